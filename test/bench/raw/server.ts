import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { GUARDS } from './guards.js';
import type { RawUsage, RawVariant } from './variants.js';

// The process of one variant: `node server.js <variant>`. Answers the question `usage` over IPC.

const variant = process.argv[2] ?? '';
if (!(variant in GUARDS)) throw new Error(`"${variant}" is no variant; there are ${Object.keys(GUARDS).join(', ')}`);
const { handlers, close } = await GUARDS[variant as RawVariant]();

let requests = 0;
const app = express();
app.disable('x-powered-by');
app.get('/', ...handlers);
const server = createServer((request, response) => {
  requests += 1;
  app(request, response);
});
server.listen(0, '127.0.0.1', 4_096, () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ requests, cpuMicros: user + system } satisfies RawUsage);
});
async function end(): Promise<void> {
  server.close();
  server.closeAllConnections();
  await close();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end());
process.once('disconnect', () => process.exit(0));
