import { describe, expect, it } from 'vitest';
import { upperSnake } from '../../../src/config/names.js';
import { resolveConfig } from '../../../src/config/resolve.js';
import { linesOf, problemsOf, SERVER, SHOP } from './support.js';

const NO_SUCH = 'no such variable';

describe('the names of variables', () => {
  it.each([
    ['checkout', 'CHECKOUT'],
    ['salesReport', 'SALES_REPORT'],
    ['report2Daily', 'REPORT2_DAILY'],
    ['myHTTPRoute', 'MY_HTTP_ROUTE'],
    ['a', 'A'],
    ['aB', 'A_B'],
    ['ratePerSecond', 'RATE_PER_SECOND'],
  ])('writes %s as %s', (name, form) => {
    expect(upperSnake(name)).toBe(form);
  });

  it.each(['pools', 'routes'])('refuses two %s with one form', (kind) => {
    const pair = { myHTTPRoute: { url: SERVER }, myHttpRoute: { url: SERVER } };
    const code =
      kind === 'pools' ? { pools: pair, routes: { only: {} } } : { routes: { myHTTPRoute: {}, myHttpRoute: {} } };
    expect(linesOf(code)).toEqual([
      `${kind}.myHttpRoute: its variables would be those of "myHTTPRoute" (MY_HTTP_ROUTE); rename one of the two`,
    ]);
  });

  it('lets a pool and a route have one name', () => {
    const env = { SLUICE_POOL_CHECKOUT_MAX: '3', SLUICE_ROUTE_CHECKOUT_BURST: '5' };
    const config = resolveConfig(SHOP, env);
    expect([config.pools.get('checkout')?.max, config.routes.get('checkout')?.burst]).toEqual([3, 5]);
  });

  it.each(['Checkout', '1st', 'sales-report', 'sales_report', '', 'x'.repeat(65), '__proto__', 'a b', 'é'])(
    'refuses the name %j',
    (name) => {
      expect(problemsOf({ routes: { [name]: {} } })[0]?.remedy).toContain('a name is');
    },
  );

  it('takes names that objects have of themselves', () => {
    const config = resolveConfig({ routes: { constructor: {}, toString: { deadlineMs: 7 } } }, {});
    expect(config.routes.get('toString')?.deadlineMs).toBe(7);
    expect(problemsOf({ routes: { only: { pool: 'constructor' } } })).toHaveLength(1);
  });
});

describe('a name that begins with another', () => {
  const code = {
    routes: { report: { ratePerSecond: 1 }, reportDaily: { ratePerSecond: 1 }, reportDailyMax: { ratePerSecond: 1 } },
  };

  it.each([
    ['SLUICE_ROUTE_REPORT_MAX_QUEUED', 'report'],
    ['SLUICE_ROUTE_REPORT_DAILY_MAX_QUEUED', 'reportDaily'],
    ['SLUICE_ROUTE_REPORT_DAILY_MAX_MAX_QUEUED', 'reportDailyMax'],
  ])('gives %s to %s alone', (variable, name) => {
    const config = resolveConfig(code, { [variable]: '7' });
    const changed = [...config.routes.values()].filter(({ maxQueued }) => maxQueued === 7);
    expect(changed.map((route) => route.name)).toEqual([name]);
  });

  it('gives a variable that could be read in two ways to the longer name, unless both would use it', () => {
    const variable = 'SLUICE_ROUTE_REPORT_PER_CALLER_BURST';
    const long = { ratePerSecond: 1 };
    const config = resolveConfig({ routes: { report: {}, reportPerCaller: long } }, { [variable]: '7' });
    expect(config.routes.get('reportPerCaller')?.burst).toBe(7);
    const report = { perCaller: { key: () => 'x', ratePerSecond: 1 } };
    expect(problemsOf({ routes: { report, reportPerCaller: long } })).toContainEqual({
      where: variable,
      remedy: 'would set both routes.reportPerCaller.burst and routes.report.perCaller.burst; rename a route',
    });
  });
});

describe('unknown variables', () => {
  it.each([
    ['SLUICE_MOD', `${NO_SUCH}; did you mean SLUICE_MODE?`],
    ['SLUICE_POOL_CHEKCOUT_MAX', `${NO_SUCH}; did you mean SLUICE_POOL_CHECKOUT_MAX?`],
    ['SLUICE_POOL_CHECKOUT_MAXIMUM', `${NO_SUCH}; did you mean SLUICE_POOL_CHECKOUT_MAX?`],
    ['SLUICE_ROUTE_CHECKOUT_RATE', `${NO_SUCH}; did you mean SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND?`],
    ['SLUICE_DRAIN_TIMEOUT', `${NO_SUCH}; did you mean SLUICE_DRAIN_TIMEOUT_MS?`],
    ['SLUICE_ROUTE_CHECKOUT_COLOUR', `${NO_SUCH}; the routes are checkout, salesReport, health`],
    ['SLUICE_ROUTE_INVENTORY_DEADLINE', `${NO_SUCH}; the routes are checkout, salesReport, health`],
    ['SLUICE_POOL_WAREHOUSE_CAPACITY', `${NO_SUCH}; the pools are checkout, reports`],
    ['SLUICE_ENTIRELY_DIFFERENT', NO_SUCH],
    ['SLUICE_', NO_SUCH],
  ])('says of %s: %s', (variable, text) => {
    expect(linesOf(SHOP, { [variable]: 'x' })).toEqual([`${variable}: ${text}`]);
  });

  it('says the field of the longest name that fits', () => {
    const code = { routes: { report: { ratePerSecond: 1 }, reportBurst: {} } };
    expect(linesOf(code, { SLUICE_ROUTE_REPORT_BURST_POL: 'x' })).toEqual([
      `SLUICE_ROUTE_REPORT_BURST_POL: ${NO_SUCH}; did you mean SLUICE_ROUTE_REPORT_BURST_POOL?`,
    ]);
  });

  it('quotes a name that could pass for another line, and cuts a long one', () => {
    expect(linesOf(SHOP, { 'SLUICE_X\n  - all is well': '1' })).toEqual([`"SLUICE_X\\n  - all is well": ${NO_SUCH}`]);
    expect(linesOf(SHOP, { [`SLUICE_${'X'.repeat(100_000)}`]: '1' })[0]?.length).toBeLessThan(300);
  });

  it('leaves other variables alone', () => {
    expect(problemsOf(SHOP, { SLUICE: '1', SLUICES_X: '1', SHOP_CHECKOUT_WORK_MS: '20', sluice_mode: 'x' })).toEqual(
      [],
    );
  });

  it('does not call the variables of a mistaken pool unknown', () => {
    const problems = problemsOf({ pools: { checkout: 7 }, routes: { only: {} } }, { SLUICE_POOL_CHECKOUT_MAX: '4' });
    expect(problems.map(({ where }) => where)).toEqual(['pools.checkout', 'pools.checkout.url']);
  });

  it('lists at most ten names', () => {
    const routes = Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`route${index}`, {}]));
    expect(linesOf({ routes }, { SLUICE_ROUTE_INVENTORY_DEADLINE: '1' })[0]).toMatch(/route9 and 3 more$/);
  });
});
