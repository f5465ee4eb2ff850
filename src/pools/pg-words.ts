import { isReadOnlyRefusal, StatementStoppedError, sqlStateOf } from './pg-errors.js';
import type { StatementWords } from './statement-wire.js';

/** How the statements of a PostgreSQL session speak. */
export const PG_WORDS: StatementWords = {
  limitChange: (limit) => (limit === 'default' ? 'RESET statement_timeout' : `SET statement_timeout = ${limit}`),
  isStopped: (error) => sqlStateOf(error) === '57014',
  isReadOnlyRefusal,
  stoppedUnsent: () => new StatementStoppedError(),
};
