import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { ShopProcess, untilStatus } from '../integration/shop/shop-process.js';
import type { PostgresServer } from '../support/postgres.js';
import { type Call, failures } from './calls.js';
import { loadDuring, postgresFor, SHOP_ENV, soon } from './fleet-bench.js';
import { describeFault } from './repetitions.js';

let postgres: PostgresServer;
let shop: ShopProcess;
beforeAll(async () => {
  postgres = await postgresFor(1);
});
afterEach(() => shop.destroy());
afterAll(async () => {
  await postgres.close();
});

const start = async (env: Record<string, string>): Promise<{ url: string; port: number }> => {
  shop = new ShopProcess({ env: { ...SHOP_ENV, DATABASE_URL: postgres.url, ...env } });
  const url = await shop.url();
  await untilStatus(url, '/readyz', 200);
  return { url, port: Number(new URL(url).port) };
};
const busy = (): Promise<readonly unknown[]> =>
  ask(postgres.url, "select from pg_stat_activity where application_name = 'sluice-shop' and state <> 'idle'");
const sessions = (): Promise<readonly unknown[]> =>
  ask(postgres.url, "select from pg_stat_activity where application_name = 'sluice-shop'");
const asleep = (): Promise<readonly unknown[]> =>
  ask(postgres.url, "select from pg_stat_activity where wait_event = 'PgSleep'");

/** Nobody listens any more: the only way in which a request may go unanswered. */
/** For how long readiness fails first. */
const DELAY_MS = 500;

const turnedAway = ({ status, code }: Call): boolean => status === 0 && code === 'refused';

describeFault('F56: SIGTERM under load', () => {
  it('answers whoever it has let in, waits for no idle client, and ends with 0', async () => {
    const { url, port } = await start({ SLUICE_READINESS_DELAY_MS: String(DELAY_MS) });
    const [silent, idle] = [await silentClient(port), await idleClient(url)];
    let askedAtMs = 0;
    let tookMs = 0;
    const calls = await loadDuring(port, async () => {
      await soon(async () => (await busy()).length > 0);
      askedAtMs = Date.now();
      shop.kill('SIGTERM');
      expect(await shop.ended).toBe(0);
      tookMs = Date.now() - askedAtMs;
    });
    const answered = calls.filter((call) => !turnedAway(call));
    // While readiness fails it still serves. What is sent shortly before that ends may arrive after it.
    expect(failures(answered.filter(({ sentAtMs }) => sentAtMs < askedAtMs + DELAY_MS / 2))).toEqual({});
    expectClean(answered);
    expect(answered.length).toBeGreaterThan(20);
    expect(calls.filter(turnedAway).filter(({ sentAtMs }) => sentAtMs < askedAtMs + DELAY_MS / 2)).toEqual([]);
    expect(tookMs).toBeLessThan(DELAY_MS + 1_500);
    expect(await sessions()).toEqual([]);
    silent.destroy();
    idle.destroy();
  });
});

describeFault('F57: a second signal under load', () => {
  it('cancels what runs on the server, answers everybody, and ends with another code than 0', async () => {
    const { url, port } = await start({ SHOP_REPORT_WORK_MS: '60000', SLUICE_DRAIN_TIMEOUT_MS: '30000' });
    let tookMs = 0;
    const report = fetch(`${url}/reports/sales`).then(async (answer) => ({
      status: answer.status,
      body: await answer.json(),
    }));
    await soon(async () => (await asleep()).length === 1);
    const calls = await loadDuring(port, async () => {
      await soon(async () => (await busy()).length > 1);
      const askedAtMs = Date.now();
      shop.kill('SIGTERM');
      // What comes sooner would be taken for the echo of a Ctrl-C.
      await soon(async () => Date.now() - askedAtMs > 600);
      expect((await asleep()).length).toBe(1);
      const againAtMs = Date.now();
      shop.kill('SIGINT');
      expect(await shop.ended).toBe(130);
      tookMs = Date.now() - againAtMs;
      await soon(async () => (await sessions()).length === 0);
    });
    expect(tookMs).toBeLessThan(1_000);
    expect(await asleep()).toEqual([]);
    expect(await report).toMatchObject({ status: 503, body: { code: 'draining', outcome: 'rolled_back' } });
    const answered = calls.filter((call) => !turnedAway(call));
    expectClean(answered);
  });
});

/** A connection that the system had accepted, and the server not yet, is cut when the server closes. */
function expectClean(answered: readonly Call[]): void {
  const { '503 draining': _told, '0 reset': cut = 0, ...others } = failures(answered);
  expect(others).toEqual({});
  expect(cut).toBeLessThanOrEqual(2 + answered.length / 10);
}

/** As browsers and balancers open ahead of need. */
async function silentClient(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Has got an answer, and keeps its connection for the next request. */
async function idleClient(url: string): Promise<Agent> {
  const agent = new Agent({ keepAlive: true });
  await new Promise<void>((resolve, reject) => {
    get(`${url}/healthz`, { agent }, (answer) => answer.resume().once('end', resolve)).once('error', reject);
  });
  return agent;
}
