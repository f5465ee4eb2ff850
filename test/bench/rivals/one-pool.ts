import pg from 'pg';
import { CHECKOUT_CONNECTIONS, REPORT_CONNECTIONS, type RivalGate, type RivalSettings, withClient } from './gate.js';

/** One shared pool for every route, as most applications begin: as many connections as the two pools of the others. */
export function onePool({ databaseUrl }: RivalSettings): RivalGate {
  const max = CHECKOUT_CONNECTIONS + REPORT_CONNECTIONS;
  const pool = new pg.Pool({ connectionString: databaseUrl, max });
  pool.on('error', () => undefined);
  return {
    tuning: { connections: max },
    checkout: (work) => withClient(pool, work),
    report: (work) => withClient(pool, work),
    close: () => pool.end(),
  };
}
