import { execFileSync } from 'node:child_process';
import { chown, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { type Answer, send } from './fault-app.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F20: the disk under the orders is full, so that nothing can be added to them, and everything can be read.

/** A disk that can be filled and freed. */
interface Disk {
  readonly how: string;
  fill(): Promise<void>;
  free(): Promise<void>;
  remove(): Promise<void>;
}

const MIB = 1_024 * 1_024;
const ballast = Buffer.alloc(MIB);

/** A small file system in memory, that the orders are moved to; needs the right to mount. */
async function smallDisk(url: string): Promise<Disk | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=755', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    await rm(folder, { recursive: true });
    return undefined;
  }
  const [row] = await ask<{ data_directory: string }>(url, 'SHOW data_directory');
  const owner = await stat(row?.data_directory ?? '');
  await chown(folder, owner.uid, owner.gid);
  await ask(url, `CREATE TABLESPACE small LOCATION '${folder}'`);
  await ask(url, 'ALTER TABLE orders SET TABLESPACE small');
  const file = join(folder, 'ballast');
  return {
    how: 'a file system without room',
    fill: async () => {
      const handle = await open(file, 'a');
      // In ever smaller pieces: the last kilobyte counts.
      for (let piece = MIB; piece >= 1_024; ) {
        const written = await handle.write(ballast, 0, piece).catch(() => ({ bytesWritten: 0 }));
        if (written.bytesWritten < piece) piece /= 2;
      }
      await handle.close();
    },
    free: () => rm(file),
    remove: async () => {
      execFileSync('umount', [folder]);
      await rm(folder, { recursive: true });
    },
  };
}

/** Where nothing can be mounted: the server says what it says then. */
async function pretendedDisk(url: string): Promise<Disk> {
  await ask(
    url,
    `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN RAISE SQLSTATE '53100' USING MESSAGE = 'could not extend file: No space left on device'; END $$`,
  );
  return {
    how: 'a trigger that says so',
    fill: async () => {
      await ask(url, 'CREATE TRIGGER full_disk BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION full_disk()');
    },
    free: async () => {
      await ask(url, 'DROP TRIGGER full_disk ON orders');
    },
    remove: async () => undefined,
  };
}

let shop: FaultShop;
let disk: Disk;

beforeAll(async () => {
  shop = await startFaultShop({
    // The way back is not what is looked at here, so it may be short.
    env: { SLUICE_POOL_CHECKOUT_BREAKER_RAMP_MS: '50', SLUICE_POOL_CHECKOUT_BREAKER_RESET_MS: '100' },
  });
  disk = (await smallDisk(shop.postgres.url)) ?? (await pretendedDisk(shop.postgres.url));
});
afterAll(async () => {
  // Also after a start that failed.
  await Promise.resolve(shop?.close()).finally(() => disk.remove());
});

let bought = 0;

async function buy(): Promise<Answer> {
  bought += 1;
  return send(shop.port, '/checkout', { body: { sku: (bought % 1_000) + 1, quantity: 1 } });
}

async function totals(): Promise<{ orders: number; stock: number }> {
  const [row] = await ask<{ orders: number; stock: number }>(
    shop.postgres.url,
    'SELECT (SELECT count(*)::int FROM orders) AS orders, (SELECT sum(stock)::float8 FROM products) AS stock',
  );
  return row ?? { orders: 0, stock: 0 };
}

describeFault('F20: the disk of the database is full', () => {
  it('writes are told so, reads go on, and when there is room again so do writes', async ({ annotate }) => {
    await annotate(`injected by ${disk.how}`);
    for (let warm = 0; warm < 5; warm += 1) expect((await buy()).status).toBe(201);
    const before = await totals();
    await disk.fill();
    const answers: Answer[] = [];
    // Pages that the table has already take some more.
    await until(async () => {
      answers.push(await buy());
      return answers.at(-1)?.status === 503;
    }, 20_000);
    // As many as decide, beside those that went well lately; then the checkouts are cut off, and nobody else.
    const cutOff = (): boolean => answers.filter(({ body }) => body.code === 'breaker_open').length >= 40;
    for (let more = 0; !cutOff(); more += 1) {
      expect(more).toBeLessThan(2_000);
      answers.push(await buy());
      const sku = (more % 60) + 1;
      const reads = await Promise.all([send(shop.port, `/products/${sku}`), send(shop.port, `/admin/orders/${sku}`)]);
      expect(reads.map(({ status }) => status)).toEqual([200, 200]);
    }
    expect((await send(shop.port, '/reports/sales?days=1')).status).toBe(200);
    const failed = answers.filter(({ status }) => status !== 201);
    const codes = new Set(failed.map(({ body }) => body.code));
    expect(codes).toEqual(new Set(['database_busy', 'breaker_open']));
    for (const { status, body } of failed) {
      expect(status).toBe(503);
      expect(body.retry_after_ms).toBeGreaterThan(0);
      if (body.code !== 'database_busy') continue;
      expect(body).toMatchObject({
        outcome: 'rolled_back',
        detail: expect.stringContaining('its disk is full'),
        measured: { pool: 'checkout', sql_state: '53100' },
      });
    }
    expect(shop.pool('catalog').breaker).toBe('closed');
    expect(shop.pool('admin').breaker).toBe('closed');
    expect(shop.pool('checkout').state).toBe('up');
    const placed = answers.length - failed.length;
    expect(await totals()).toEqual({ orders: before.orders + placed, stock: before.stock - placed });
    await disk.free();
    await until(async () => (await buy()).status === 201);
    await until(async () => {
      await buy();
      return shop.pool('checkout').breaker === 'closed';
    });
    expect((await buy()).status).toBe(201);
    await shop.expectAtRest();
  });
});
