import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServer } from '../../test/load/server-process.js';
import { startLoad } from '../../test/load/start-load.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import { type Figures, figuresOf } from './figures.js';
import { watchProcessor } from './processor.js';
import { stormCaution, stormPlot, stormSentence, stormSvg, stormTable } from './show.js';
import { SHOP_ENVIRONMENT, STORY, SURGE, surgePlan } from './surge.js';

const SHOP = fileURLToPath(new URL('../shop/main.js', import.meta.url));
/** From `dist/examples/storm` to `dist`. */
const DEFAULT_SVG = fileURLToPath(new URL('../../storm.svg', import.meta.url));

const HELP = `npm run storm -- [options]

Drives the example shop through a report storm and a checkout surge, first with SLUICE_MODE=off, then with
SLUICE_MODE=enforce, and shows what became of the checkouts. Takes under a minute, needs nothing but this
machine: an embedded PostgreSQL, one shop at a time, and a load generator, all on loopback, all gone at the end.

  ${STORY}

  --seed <n>     another sequence of requests (1)
  --svg <file>   where to write the picture (dist/storm.svg)
  --help         this text
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = { help: { type: 'boolean', short: 'h' }, seed: { type: 'string' }, svg: { type: 'string' } } as const;
  const abort = new AbortController();
  const interrupt = (): void => abort.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const { values } = parseArgs({ options });
    const seed = Number(values.seed ?? 1);
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new Error(`--seed must be a whole number, it is "${values.seed}"`);
    if (values.help === true) console.log(HELP);
    else await storm(seed, values.svg ?? DEFAULT_SVG, abort.signal);
    return 0;
  } catch (error) {
    if (abort.signal.aborted) console.error('interrupted: everything that was started has ended');
    else console.error(error instanceof Error ? error.message : error);
    return abort.signal.aborted ? 130 : 1;
  }
}

async function storm(seed: number, svgFile: string, signal: AbortSignal): Promise<void> {
  console.log(`${STORY}.\n`);
  console.log('starting PostgreSQL …');
  // Nobody needs the data afterwards, so the disk need not keep up.
  const postgres = await startPostgres({
    settings: { fsync: 'off', synchronous_commit: 'off', max_connections: '60' },
  });
  try {
    signal.throwIfAborted();
    const without = await run(postgres, 'off', seed, signal);
    const guarded = await run(postgres, 'enforce', seed, signal);
    const both = { without, with: guarded };
    await mkdir(dirname(svgFile), { recursive: true });
    await writeFile(svgFile, stormSvg(both));
    console.log(`\n${stormTable(both)}\n${stormPlot(both)}\n${stormSentence(both)}`);
    const caution = stormCaution(both);
    if (caution !== undefined) console.log(`\n${caution}\n`);
    console.log(`The plot as a picture: ${relative(process.cwd(), svgFile)}`);
  } finally {
    await postgres.close();
  }
}

async function run(
  postgres: PostgresServer,
  mode: 'off' | 'enforce',
  seed: number,
  signal: AbortSignal,
): Promise<Figures> {
  console.log(`the storm with SLUICE_MODE=${mode} …`);
  const env = { ...SHOP_ENVIRONMENT, DATABASE_URL: postgres.url, SLUICE_MODE: mode };
  const shop = await startServer(SHOP, { env, signal });
  try {
    const [result, busy] = await Promise.all([
      startLoad(surgePlan(shop.port, seed), { signal }),
      watchProcessor(shop.port, SURGE, signal),
    ]);
    return figuresOf(result, busy);
  } finally {
    await shop.stop();
  }
}
