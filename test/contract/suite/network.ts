import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Connection } from '../../../src/pools/contract.js';
import type { Bench } from '../bench.js';
import { FOREVER, failureOf, giveBack, pass, run, until, within } from '../support.js';

/** A statement whose answer nobody hears; a server that does not look for its clients is busy with it for so long. */
const HUNG_MS = 1_500;

/** Networks that break, and networks that say nothing. */
export function network(bench: Bench): void {
  bench.test('NET-4 F7', 'ends a statement in a black hole within about a second of its cancel', async () => {
    const relay = await bench.relay();
    const { pool } = bench.open({ max: 1, at: relay.address });
    const connection = await pool.acquire(FOREVER);
    const failing = failureOf(run(connection, bench.sql.sleep(HUNG_MS)));
    await pass(20);
    relay.silence();
    const from = performance.now();
    connection.cancel();
    expect(pool.classify(await failing)).toBe('connection_lost');
    expect(performance.now() - from).toBeLessThan(2_000);
    expect(connection.alive).toBe(false);
    await connection.release();
    relay.resume();
    const next = await pool.acquire(within(10_000));
    await run(next, bench.sql.sleep(0));
    await next.release();
    expect(pool.gauges()).toMatchObject({ inUse: 0, opened: 2, total: 1 });
  });

  bench.test(
    'NET-4 F7',
    'takes back a session in a black hole within about a second, and lends it to nobody',
    async () => {
      const relay = await bench.relay();
      const { pool } = bench.open({ max: 1, at: relay.address });
      const connection = await pool.acquire(FOREVER);
      await connection.begin(undefined);
      relay.silence();
      const from = performance.now();
      await connection.release();
      expect(performance.now() - from).toBeLessThan(2_000);
      relay.resume();
      const next = await pool.acquire(within(10_000));
      expect(next.id).not.toBe(connection.id);
      await next.release();
    },
  );

  bench.test('NET-5 F7', 'refuses at the deadline who waits for a session in a black hole', async () => {
    const relay = await bench.relay();
    const { pool, journal } = bench.open({ max: 2, validateAfterIdleMs: 5, connectTimeoutMs: 200, at: relay.address });
    await (await pool.acquire(FOREVER)).release();
    await pass(6);
    relay.silence();
    const from = performance.now();
    expect(String(await failureOf(pool.acquire(within(900))))).toContain('within the time left');
    expect(performance.now() - from).toBeLessThan(1_400);
    expect(journal.entries).toEqual(['up', 'down']);
    relay.resume();
    await (await pool.acquire(within(10_000))).release();
    expect(journal.entries).toEqual(['up', 'down', 'up']);
  });

  bench.test(
    'LIF-8 F7',
    'makes one error of each request in flight when the network falls silent, and recovers',
    async () => {
      const relay = await bench.relay();
      const tested = bench.open({ max: 3, connectTimeoutMs: 600, at: relay.address });
      const { pool, journal } = tested;
      const all = await bench.take(tested, 3);
      const failing = all.map((each) => failureOf(run(each, bench.sql.sleep(HUNG_MS))));
      await pass(20);
      relay.silence();
      for (const each of all) each.cancel();
      for (const failure of await Promise.all(failing)) expect(pool.classify(failure)).toBe('connection_lost');
      await giveBack(all);
      const waiting = Array.from({ length: 5 }, () => pool.acquire(within(20_000)));
      await journal.reached('down');
      const { connectFailures } = pool.gauges();
      await until(() => pool.gauges().connectFailures >= connectFailures + 2);
      expect(pool.gauges().connecting).toBeLessThanOrEqual(1);
      relay.resume();
      const from = performance.now();
      for (const each of await Promise.all(waiting.map(async (one) => use(bench, await one))))
        expect(each).toBe('served');
      expect(performance.now() - from).toBeLessThan(2_000);
      expect(journal.entries).toEqual(['up', 'down', 'up']);
    },
  );

  bench.test('LIF-8 F7', 'finds a silent network’s return within a second, whatever hangs in it still', async () => {
    const relay = await bench.relay();
    const { pool, journal } = bench.open({ max: 1, connectTimeoutMs: 10_000, at: relay.address });
    const connection = await pool.acquire(FOREVER);
    await run(connection, bench.sql.sleep(0));
    const failing = failureOf(run(connection, bench.sql.sleep(2 * HUNG_MS)));
    await pass(20);
    relay.silence(true);
    connection.cancel();
    await failing;
    const returned = connection.release();
    const waiting = pool.acquire(within(20_000));
    await journal.reached('down');
    // The first attempt has given way to the second, whose first packets are lost as well.
    const { connectFailures } = pool.gauges();
    await until(() => pool.gauges().connectFailures > connectFailures && pool.gauges().connecting === 1);
    relay.resume();
    const from = performance.now();
    const next = await waiting;
    expect(performance.now() - from).toBeLessThan(1_000);
    await run(next, bench.sql.sleep(0));
    await next.release();
    await returned;
    expect(journal.entries).toEqual(['up', 'down', 'up']);
  });

  bench.test('LIF-11 F7', 'finds a session whose server part stands still, and lends another', async () => {
    const { server } = bench;
    const { pool } = bench.open({ max: 1, validateAfterIdleMs: 5, freezable: true });
    const first = await pool.acquire(FOREVER);
    const session = await bench.sessionOf(first);
    await first.release();
    await server.freeze(session);
    try {
      await pass(6);
      const next = await pool.acquire(within(3_000));
      expect(next.id).not.toBe(first.id);
      await run(next, bench.sql.sleep(0));
      await next.release();
    } finally {
      server.thaw(session);
    }
  });

  bench.test('NET-5 F11', 'ends a connect at its bound', async () => {
    const relay = await bench.relay();
    relay.silence();
    const { pool, journal } = bench.open({ connectTimeoutMs: 60, at: relay.address });
    const from = performance.now();
    await journal.reached('down');
    expect(performance.now() - from).toBeGreaterThanOrEqual(58);
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(pool.gauges().connectFailures).toBe(1);
  });

  bench.test('F10', 'takes a reset connection for lost at once', async () => {
    const relay = await bench.relay();
    const { pool } = bench.open({ max: 1, at: relay.address });
    const connection = await pool.acquire(FOREVER);
    const failing = failureOf(run(connection, bench.sql.sleep(30_000)));
    await pass(20);
    relay.cut();
    expect(pool.classify(await failing)).toBe('connection_lost');
    await connection.release();
    await (await pool.acquire(within(10_000))).release();
  });

  bench.test('LIF-12 ISO-3 F9 F58', 'leaves no statement running on the server for a client that is gone', async () => {
    const relay = await bench.relay();
    const tested = bench.open({ max: 1, at: relay.address });
    const connection = await tested.pool.acquire(FOREVER);
    // A server that does not look for its clients ends what they have left at its limit of time.
    const limitMs = bench.isLesser('LIF-12') ? 500 : undefined;
    const failing = failureOf(connection.query(bench.sql.sleep(30_000), undefined, limitMs));
    await until(async () => (await tested.running()) === 1);
    const from = performance.now();
    // As when a process dies: nothing gets through any more, no cancel either.
    await relay.close();
    await failing;
    await until(async () => (await tested.running()) === 0);
    expect(performance.now() - from).toBeLessThan(2_000);
    await connection.release();
  });

  if (process.platform === 'linux') {
    bench.test('NET-2', 'keeps its connections alive, so that a dead peer of an idle one is found', async () => {
      const relay = await bench.relay();
      const tested = bench.open({ max: 2, at: relay.address });
      await giveBack(await bench.take(tested, 2));
      expect(keepaliveTimers(relay.address.port)).toHaveLength(2);
      // The kernel alone would wait for two hours.
      for (const seconds of keepaliveTimers(relay.address.port)) expect(seconds).toBeLessThanOrEqual(1.1);
    });
  }

  bench.test('NET-3', 'takes a slow network for a slow network', async () => {
    const relay = await bench.relay();
    relay.firstAnswerDelayMs = 150;
    const tested = bench.open({ max: 2, validateAfterIdleMs: 5, at: relay.address });
    const { pool, journal } = tested;
    for (let i = 0; i < 5; i += 1) {
      const [one, two] = (await bench.take(tested, 2)) as [Connection, Connection];
      await run(one, bench.sql.sleep(20));
      await giveBack([one, two]);
      await pass(6);
    }
    expect(journal.entries).toEqual(['up']);
    expect(pool.gauges()).toMatchObject({ opened: 2, lost: 0, connectFailures: 0 });
  });
}

async function use(bench: Bench, connection: Connection): Promise<string> {
  await run(connection, bench.sql.sleep(0));
  await connection.release();
  return 'served';
}

/** Seconds to go on the keepalive timer of every established connection to a port, as the kernel tells it. */
function keepaliveTimers(port: number): number[] {
  const [, ...lines] = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n');
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state, , timer]) => to === remote && state === '01' && timer?.startsWith('02:'))
    .map(([, , , , , timer]) => Number.parseInt(timer?.slice(3) ?? '', 16) / 100);
}
