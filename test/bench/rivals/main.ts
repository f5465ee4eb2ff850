import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rivalApp } from './app.js';
import { bottleneck } from './bottleneck.js';
import type { RivalGate, RivalSettings } from './gate.js';
import { glue } from './glue.js';
import { handTuned } from './hand-tuned.js';
import type { RivalName } from './names.js';
import { onePool } from './one-pool.js';
import { separatePools } from './separate-pools.js';

// The process of one rival: `node main.js <name>`. Answers the question `tuning` over IPC.

const GATES: Readonly<Record<RivalName, (settings: RivalSettings) => RivalGate>> = {
  'one-pool': onePool,
  'separate-pools': separatePools,
  glue,
  'hand-tuned': handTuned,
  bottleneck,
};

const name = process.argv[2] ?? '';
if (!(name in GATES)) throw new Error(`"${name}" is no rival; there are ${Object.keys(GATES).join(', ')}`);
const settings: RivalSettings = {
  databaseUrl: process.env.DATABASE_URL ?? '',
  checkoutWorkMs: Number(process.env.SHOP_CHECKOUT_WORK_MS ?? 0),
  reportWorkMs: Number(process.env.SHOP_REPORT_WORK_MS ?? 0),
};
const gate = GATES[name as RivalName](settings);
const server = createServer(rivalApp(gate, settings));
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', 4_096, () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.on('message', () => process.send?.(gate.tuning));
// Rivals have no drain worth waiting for: what is queued would be served to callers that left long ago.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
process.once('disconnect', () => process.exit(0));
