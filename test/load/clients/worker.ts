import type { ClientsPlan } from './plan.js';
import { runClients } from './run-clients.js';

// The process of a crowd: `node worker.js <plan as JSON>` runs it and answers over IPC with a ClientsResult.

process.once('disconnect', () => process.exit(0));
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
const result = await runClients(JSON.parse(process.argv[2] ?? '{}') as ClientsPlan);
process.send?.(result, () => process.exit(0));
