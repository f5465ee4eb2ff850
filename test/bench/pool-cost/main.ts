import { createGateway, type RequestHandle } from '../../../src/index.js';
import { COST_CASES, type CostCase, type CostRun } from './cases.js';
import { connectBare } from './engines.js';

// The process that measures: `node main.js <url> <rounds> <calls>` answers over IPC with a CostRun. The url
// names the engine.

interface Figures {
  readonly tookUs: number[];
  readonly cpuUs: number[];
}

/** Calls in one request, where it is not the request that is measured. */
const MANY = 20;
/** The cases that make so many calls at a time. */
const MANIFOLD: ReadonlySet<CostCase> = new Set(['text', 'bound', 'transaction', 'borrow']);
const [url = '', rounds = '0', calls = '0'] = process.argv.slice(2);
process.once('disconnect', () => process.exit(0));
process.send?.(await measure(), () => process.exit(0));

/** All cases take turns, so that whatever else the machine does meets all of them. */
async function measure(): Promise<CostRun> {
  const client = await connectBare(url);
  const gateway = await createGateway(
    {
      pools: { main: { url, max: 4 } },
      routes: { work: { pool: 'main', deadlineMs: 500 }, patient: { pool: 'main', deadlineMs: 5_000 } },
    },
    { env: {} },
  );
  const run = (
    work: (handle: RequestHandle) => Promise<unknown>,
    route: 'work' | 'patient' = 'work',
  ): Promise<unknown> => gateway.run(route, work);
  const manyIn = (work: (handle: RequestHandle) => Promise<unknown>) => (): Promise<unknown> =>
    run(async (handle) => {
      for (let i = 0; i < MANY; i += 1) await work(handle);
    });
  const { text, bound } = client;
  let patient = false;
  const cases: Record<CostCase, () => Promise<unknown>> = {
    bareText: () => client.query(text),
    text: manyIn((handle) => handle.query(text)),
    textRun: () => run((handle) => handle.query(text)),
    bareBound: () => client.query(bound, [1]),
    bound: manyIn((handle) => handle.query(bound, [1])),
    boundRun: () => run((handle) => handle.query(bound, [1])),
    mixedRun: () => {
      patient = !patient;
      return run((handle) => handle.query(bound, [1]), patient ? 'patient' : 'work');
    },
    bareTransaction: async () => {
      await client.query('BEGIN');
      await client.query(bound, [1]);
      await client.query('COMMIT');
    },
    transaction: manyIn((handle) => handle.transaction((transaction) => transaction.query(bound, [1]))),
    transactionRun: () => run((handle) => handle.transaction((transaction) => transaction.query(bound, [1]))),
    borrow: manyIn(async (handle) => (await handle.connect()).release()),
  };
  const figures: Record<string, Figures> = Object.fromEntries(
    COST_CASES.map((name) => [name, { tookUs: [], cpuUs: [] }]),
  );
  for (const name of COST_CASES) await time(name, cases[name]);
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const name of COST_CASES) {
      const { tookUs, cpuUs } = await time(name, cases[name]);
      figures[name]?.tookUs.push(tookUs);
      figures[name]?.cpuUs.push(cpuUs);
    }
  }
  await client.end();
  await gateway.drain({ timeoutMs: 0 });
  return figures as Record<CostCase, Figures>;
}

/** Microseconds of one call, on average over a short run of them. */
async function time(name: CostCase, work: () => Promise<unknown>): Promise<{ tookUs: number; cpuUs: number }> {
  const times = MANIFOLD.has(name) ? Number(calls) / MANY : Number(calls);
  const before = process.cpuUsage();
  const from = performance.now();
  for (let i = 0; i < times; i += 1) await work();
  const tookMs = performance.now() - from;
  const { user, system } = process.cpuUsage(before);
  return { tookUs: (tookMs * 1_000) / Number(calls), cpuUs: (user + system) / Number(calls) };
}
