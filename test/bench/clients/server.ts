import { once } from 'node:events';
import { createServer } from 'node:http';
import { createShop } from '../../../examples/shop/app.js';
import { readSettings } from '../../../examples/shop/settings.js';
import { boundClients } from '../../../middleware/index.js';

// The shop for clients that think longer than Node keeps an idle connection by default.

const KEEP_ALIVE_MS = 75_000;

const settings = readSettings(process.env);
if (settings.databaseUrl === undefined) throw new Error('DATABASE_URL is not set');
const shop = await createShop({
  ...settings,
  databaseUrl: settings.databaseUrl,
  env: process.env,
  log: (line) => console.log(line),
});
const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, shop.app);
boundClients(shop.gateway, server);
// A crowd that comes at once stands in the line of the system until it is accepted.
server.listen({ port: settings.port, host: '127.0.0.1', backlog: 4_096 });
await once(server, 'listening');
const address = server.address();
console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`);
await Promise.race([once(process, 'SIGTERM'), once(process, 'disconnect')]);
await shop.close({ server });
process.exit(0);
