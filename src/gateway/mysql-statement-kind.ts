import { commandOf, keepsTransaction, mysqlLeads } from '../pools/mysql-text.js';
import { type StatementKind, statementKind } from './statement-kind.js';

const BEGIN = /^(?:begin(?:\s+work)?|start\s+transaction)\s*;?\s*$/i;
const COMMIT = /^commit(?:\s+work)?\s*;?\s*$/i;
/** `START` begins a transaction but before the few other words that it takes, `BEGIN` but where it begins a block. */
const CONTROL =
  /^(?:begin(?!\s+not\s+atomic\b)|commit|xa|rollback(?!\s+(?:work\s+)?to\b)|start(?!\s+(?:(?:all\s+)?(?:slaves?|replica)|group_replication)\b))\b/i;
const ROLLBACK_TO = /^rollback\b/i;
/** Commits what is open, or keeps the next statements from being committed. */
const SETS_AUTOCOMMIT = /^set\b[\s\S]*\bautocommit\b/i;
/**
 * What may commit by the way, and cannot have opened a transaction after that: whether it has can be told by whether
 * there still is one.
 */
const TELLING =
  /^(?:create|alter|drop|truncate|rename|grant|revoke|analyze|optimize|repair|check|checksum|cache|flush|reset|lock|unlock|set(?!\s+statement)|use|load|import|install|uninstall|kill|prepare|deallocate|change|stop|start|purge|handler|help)\b/i;
const READ = /^(?:select|values|table|show)\b/i;
/** Quotes, comments and names that PostgreSQL reads otherwise, so that a call could hide behind them. */
const READ_OTHERWISE = /\\|#|--\S|\/\*M?!|[`"]\s*(?:\(|\/\*)/;

/** As {@link statementKind}, for MySQL and MariaDB, where one text is one statement. */
export function mysqlStatementKind(text: string): StatementKind {
  const [kind = 'opaque', ...others] = mysqlLeads(text).map(kindOfLead);
  if (others.every((other) => other === kind)) return kind;
  // Which of them the server runs depends on its version.
  return [kind, ...others].some((each) => each === 'begin' || each === 'commit' || each === 'control')
    ? 'control'
    : 'opaque';
}

function kindOfLead(lead: string): StatementKind {
  if (BEGIN.test(lead)) return 'begin';
  if (COMMIT.test(lead)) return 'commit';
  if (CONTROL.test(lead) || SETS_AUTOCOMMIT.test(lead)) return 'control';
  if (READ.test(lead) && !READ_OTHERWISE.test(lead)) return statementKind(lead) === 'read' ? 'read' : 'other';
  if (keepsTransaction(commandOf(lead)) || ROLLBACK_TO.test(lead) || lead === '') return 'other';
  return TELLING.test(lead) ? 'committing' : 'opaque';
}
