// A pool through PgBouncer, and one for administrators that bypasses it: `node dist/examples/pgbouncer/main.js`, after
// `npm run build`. PGBOUNCER names the program, where it is not among the others.
import { startPgbouncer } from '../support/pgbouncer-server.js';
import { startPostgres } from '../support/postgres-server.js';
import { show } from './show.js';

const program = process.env.PGBOUNCER || '/usr/sbin/pgbouncer';
const postgres = await startPostgres({ settings: { fsync: 'off' } });
try {
  const { answered, adminMs, clients } = await show(postgres, (options) => startPgbouncer({ ...options, program }));
  console.log(`${answered} reads were answered through the pooler, which had ${clients} clients`);
  console.log(`the administrator was answered in ${adminMs.toFixed(1)} ms meanwhile, without it`);
} finally {
  await postgres.close();
}
