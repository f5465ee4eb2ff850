import type { TelemetryFigures } from './messages.js';
import { costs, openGateway } from './requests.js';
import { scrapes } from './scrape.js';

// The process of the section `telemetry`: `node main.js <samples>` answers over IPC with all figures.

const samples = Number(process.argv[2] ?? 11);
process.once('disconnect', () => process.exit(0));
const gateway = await openGateway();
const cost = costs(gateway, samples);
await gateway.drain({ timeoutMs: 0 });
const figures: TelemetryFigures = { cost, scrape: await scrapes(10 * samples) };
process.send?.(figures, () => process.exit(0));
