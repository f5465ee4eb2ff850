import { errnoOf, isMysqlReadOnlyRefusal, isMysqlStopped, isQuotaSpent } from './mysql-errors.js';

const STATES: ReadonlyMap<number, string> = new Map([
  [1205, '55P03'],
  [3572, '55P03'],
  [1021, '53100'],
  [1114, '53100'],
  [1037, '53200'],
  [1038, '53200'],
  [1041, '53200'],
  [1040, '53300'],
  [1135, '53300'],
  [1203, '53300'],
  [1226, '53300'],
  [1792, '25006'],
  [1047, '57P03'],
  [1053, '57P03'],
  [1213, '40P01'],
]);

/**
 * The SQLSTATE by which PostgreSQL would have told what an error of MySQL or MariaDB tells: their own are too coarse
 * (`HY000` for most) to be judged by. `undefined` where there is no counterpart, and for errors of another engine.
 */
export function counterpartState(error: unknown): string | undefined {
  const errno = errnoOf(error);
  if (errno === undefined) return undefined;
  if (isMysqlStopped(error)) return '57014';
  if (isQuotaSpent(error)) return '53400';
  return isMysqlReadOnlyRefusal(error) ? '25006' : STATES.get(errno);
}
