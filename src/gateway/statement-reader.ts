import { TextMemo } from '../core/text-memo.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import { mysqlStatementKind } from './mysql-statement-kind.js';
import { mayControlTransaction, type StatementKind, statementKind } from './statement-kind.js';

/** What the texts of one pool's statements mean for the transactions around them. */
export interface StatementReader {
  of(text: string): StatementKind;
  /** The same for a statement inside a transaction, where one that reads is as good as one that writes. */
  insideOf(text: string): StatementKind;
}

/** Reads the language of the engine that a url leads to; remembers the texts seen last. */
export function statementReaderFor(url: string): StatementReader {
  if (isMysqlUrl(url)) {
    const kinds = new TextMemo(mysqlStatementKind);
    const of = (text: string): StatementKind => kinds.of(text);
    return { of, insideOf: of };
  }
  const kinds = new TextMemo(statementKind);
  return {
    of: (text) => kinds.of(text),
    // The first look decides almost always, and this is asked for every statement of a transaction.
    insideOf: (text) => (mayControlTransaction(text) ? withinTransaction(kinds.of(text)) : 'other'),
  };
}

/** PostgreSQL lets nothing commit by the way inside a transaction. */
function withinTransaction(kind: StatementKind): StatementKind {
  return kind === 'opaque' ? 'other' : kind;
}
