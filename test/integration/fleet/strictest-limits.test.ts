import { createGateway, type Gateway } from 'sluice';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../../faults/until.js';
import { RedisServer } from '../../support/redis-server.js';
import { LogBook } from '../http/harness.js';

let server: RedisServer;
const gateways: Gateway<'search'>[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.drain({ timeoutMs: 0 });
});
afterAll(() => server.close());

/** So slow that nothing refills meanwhile. */
const STILL = 0.001;

type Limits = Readonly<Record<'all' | 'endpoint' | 'caller', number>>;

async function join(fleetName: string, { all, endpoint, caller }: Limits): Promise<Gateway<'search'>> {
  const of = (burst: number) => ({ ratePerSecond: STILL, burst });
  const search = {
    priority: 'critical',
    ...of(endpoint),
    perCaller: { key: () => undefined, ...of(caller) },
    deadlineMs: 10_000,
  } as const;
  const gateway = await createGateway(
    { redisUrl: server.url, fleetName, ...of(all), routes: { search } },
    { env: {}, logger: new LogBook() },
  );
  gateways.push(gateway);
  return gateway;
}

/** How many of so many are admitted. */
async function admitted(gateway: Gateway<'search'>, count: number, callerKey: string): Promise<number> {
  const runs = Array.from({ length: count }, () => gateway.run('search', async () => {}, { callerKey }));
  const ends = await Promise.allSettled(runs);
  return ends.filter(({ status }) => status === 'fulfilled').length;
}

const LAX: Limits = { all: 1_000, endpoint: 1_000, caller: 1_000 };

it.each(['all', 'endpoint', 'caller'] as const)(
  'lets the stricter limit of "%s" hold of an instance that nobody asks for anything, until it goes',
  async (which) => {
    const lax = await join(which, LAX);
    const strict = await join(which, { ...LAX, [which]: 8 });
    await until(() => lax.snapshot().fleet?.disagreements === 1);
    // Half of the eight on credit, and all that the ledger has with the next news of it.
    let count = await admitted(lax, 50, `${which} of both`);
    await until(async () => {
      count += await admitted(lax, 1, `${which} of both`);
      return count >= 8;
    });
    expect(await admitted(lax, 100, `${which} of both`)).toBe(0);
    await strict.drain({ timeoutMs: 0 });
    await until(() => lax.snapshot().fleet?.disagreements === 0);
    // Of the same callers it has what refills, which is nothing; of others what it was configured with.
    if (which === 'caller') await until(async () => (await admitted(lax, 50, `${which} alone`)) > 8);
  },
);
