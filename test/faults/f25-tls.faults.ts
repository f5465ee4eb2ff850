import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { selfSigned } from '../integration/pools/self-signed.js';
import { type Answer, send } from './fault-app.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F25: the server shows another certificate than before, or none. Open sessions go on; no new one is opened that is not
// as it was asked for.

const DAY_MS = 86_400_000;
const trusted = selfSigned('localhost');
/** For the same name, and by nobody whom the shop trusts. */
const stranger = selfSigned('localhost');

let shop: FaultShop;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'));
  const expired = selfSigned('localhost', new Date(Date.now() - 3 * DAY_MS));
  await writeFile(join(folder, 'ca.pem'), trusted.certificate + expired.certificate);
  shop = await startFaultShop({
    checkoutWorkMs: 30,
    env: {
      SLUICE_POOL_CHECKOUT_TLS_CA: join(folder, 'ca.pem'),
      SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '2000',
    },
    arrange: async ({ url }) => {
      await show(url, 'trusted', trusted);
      await show(url, 'stranger', stranger);
      await show(url, 'expired', expired);
      await use(url, 'trusted');
      return { SLUICE_POOL_CHECKOUT_URL: url.replace('127.0.0.1', 'localhost') };
    },
  });
});
afterAll(async () => {
  await shop.close();
  await rm(folder, { recursive: true });
});

/** The server writes the files itself: it insists on owning its key. */
async function show(url: string, name: string, { certificate, key }: typeof trusted): Promise<void> {
  const lines = (text: string): string => `COPY (SELECT unnest(string_to_array('${text.trim()}', E'\\n')))`;
  await ask(url, `${lines(certificate)} TO PROGRAM 'umask 077; cat > ${name}.crt'`);
  await ask(url, `${lines(key)} TO PROGRAM 'umask 077; cat > ${name}.key'`);
}

/** From now on new connections are shown this certificate; `none` for no TLS at all. */
async function use(url: string, name: string): Promise<void> {
  const set = async (setting: string, value: string): Promise<unknown> =>
    ask(url, `ALTER SYSTEM SET ${setting} = '${value}'`);
  if (name !== 'none') {
    await set('ssl_cert_file', `${name}.crt`);
    await set('ssl_key_file', `${name}.key`);
  }
  await set('ssl', name === 'none' ? 'off' : 'on');
  await ask(url, 'SELECT pg_reload_conf()');
  // The postmaster does it when it gets to it.
  await until(async () => {
    const [row] = await ask<{ ssl: string; file: string }>(
      url,
      "SELECT current_setting('ssl') AS ssl, current_setting('ssl_cert_file') AS file",
    );
    return name === 'none' ? row?.ssl === 'off' : row?.ssl === 'on' && row.file === `${name}.crt`;
  });
}

let sku = 0;
const buy = (): Promise<Answer> => {
  sku = (sku % 1_000) + 1;
  return send(shop.port, '/checkout', { body: { sku, quantity: 1 } });
};
const rush = (): Promise<Answer[]> => Promise.all(Array.from({ length: 8 }, buy));
const gauges = () => shop.pool('checkout').gauges();

/** Sessions of the checkout that are not encrypted. */
async function inTheClear(): Promise<number> {
  const rows = await ask(
    shop.postgres.url,
    `SELECT 1 FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
     WHERE application_name = 'sluice-shop' AND query LIKE '%insert into orders%' AND NOT ssl`,
  );
  return rows.length;
}

describeFault('F25: TLS is not as it was', () => {
  it.each([
    { what: 'the certificate has expired', name: 'expired', reason: /certificate has expired/ },
    { what: 'the certificate is of somebody else', name: 'stranger', reason: /self-signed certificate/ },
    { what: 'the server has none', name: 'none', reason: /does not support SSL/ },
  ])('$what: what is open goes on, nothing new is opened, and it is said once', async ({ name, reason }) => {
    const { url } = shop.postgres;
    await use(url, 'trusted');
    const runtime = shop.gateway.entry('checkout').runtime.pool?.pool;
    runtime?.recycle();
    await until(() => gauges().total === 2 && gauges().idle === 2);
    const { opened, connectFailures } = gauges();
    const warned = shop.log.of('database_tls_failed').length;
    await use(url, name);
    // More connections are wanted all the time, and each attempt that fails makes the next one wait.
    let downs = 0;
    const watch = setInterval(() => {
      downs += shop.pool('checkout').state === 'up' ? 0 : 1;
    }, 1);
    const startedMs = performance.now();
    while (performance.now() - startedMs < 600) {
      expect((await rush()).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    }
    clearInterval(watch);
    expect(downs).toBe(0);
    const failed = gauges().connectFailures - connectFailures;
    expect(failed).toBeGreaterThanOrEqual(2);
    expect(failed).toBeLessThanOrEqual(12);
    expect(shop.pool('checkout').state).toBe('up');
    expect(gauges()).toMatchObject({ opened, total: 2, lost: 0 });
    expect(await inTheClear()).toBe(0);
    expect(shop.log.of('database_tls_failed').slice(warned)).toEqual([expect.stringMatching(reason)]);
    // Without any session left there is nothing to go on with.
    runtime?.recycle();
    await until(() => shop.pool('checkout').state === 'down');
    await until(async () => (await buy()).status === 503);
    const refused = await buy();
    expect({ status: refused.status, body: refused.body }).toMatchObject({
      status: 503,
      body: { code: 'database_unavailable', outcome: 'not_started' },
    });
    expect((await send(shop.port, '/products/1')).status).toBe(200);
    expect(gauges().opened).toBe(opened);
    await use(url, 'trusted');
    const mendedMs = performance.now();
    await until(() => shop.pool('checkout').state === 'up');
    expect(performance.now() - mendedMs).toBeLessThan(1_500);
    expect((await buy()).status).toBe(201);
    await shop.expectAtRest();
  });

  it('the end of a certificate is told ahead', () => {
    expect(shop.log.of('database_server_certificate_expires')).toEqual([
      expect.stringMatching(/ends within a day \(20\d\d-\d\d-\d\d\); replace it/),
    ]);
  });
});
