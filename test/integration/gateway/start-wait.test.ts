import { createGateway, type Gateway, type PoolOptions } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { until } from '../pools/pool-fixture.js';

let postgres: PostgresServer;
let gateway: Gateway | undefined;
let log: LogBook;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterEach(async () => {
  await gateway?.drain({ timeoutMs: 0 });
  gateway = undefined;
});
afterAll(() => postgres.close());

async function start(main: PoolOptions<'main'>): Promise<Gateway> {
  log = new LogBook();
  gateway = await createGateway(
    // So long that nothing fails before the start is over, however slow the machine.
    {
      maxEventLoopLagMs: 0,
      pools: { main: { ...main, connectTimeoutMs: 30_000 } },
      routes: { work: { pool: 'main' } },
    },
    { env: {}, logger: log },
  );
  return gateway;
}

describe('a start that meets silence says once which pool waits, and for what', () => {
  it('for a server that speaks another protocol', async () => {
    await start({ url: postgres.url.replace(/^\w+:/, 'mysql:') });
    const server = `127\\.0\\.0\\.1:${postgres.port}`;
    expect(log.entries.map(({ code }) => code)).toEqual(['pool_waits']);
    expect(log.of('pool_waits').join()).toMatch(
      new RegExp(`^pool "main" has no connection .*: it waits for a word of "${server}", .* scheme of the url$`),
    );
    expect(JSON.stringify(log.entries)).not.toContain(new URL(postgres.url).password);
  });

  it('for a password function, and goes on when it answers', async () => {
    const { password } = new URL(postgres.url);
    const url = new URL(postgres.url);
    url.password = '';
    let answer: (secret: string) => void = () => undefined;
    const asked = new Promise<string>((resolve) => {
      answer = resolve;
    });
    const running = await start({ url: url.href, password: () => asked });
    expect(log.entries.map(({ code }) => code)).toEqual(['pool_waits']);
    expect(log.of('pool_waits').join()).toMatch(/^pool "main" .*: it waits for its password function, .*; mend/);
    answer(password);
    await until(() => running.readiness().ready);
    expect(log.entries).toHaveLength(1);
  });

  it('and nothing where a connection comes', async () => {
    await start({ url: postgres.url });
    expect(log.entries).toEqual([]);
  });
});
