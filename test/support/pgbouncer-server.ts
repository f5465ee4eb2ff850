import {
  type PgbouncerOptions,
  type PgbouncerServer,
  startPgbouncer as start,
} from '../../examples/support/pgbouncer-server.js';
import { findProgram } from './programs.js';

export type { PgbouncerServer };

/** A real PgBouncer, from wherever this machine has its program. */
export function startPgbouncer(options: PgbouncerOptions): Promise<PgbouncerServer> {
  return start({ ...options, program: findProgram('pgbouncer') });
}
