import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NamedReport } from '../../../src/cli/report-text.js';
import { Folder } from '../../support/captured.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const GATEWAY = {
  pools: { main: { max: 2 } },
  routes: {
    checkout: { pool: 'main', priority: 'critical', deadlineMs: 500, expectedMs: 20 },
    report: { pool: 'main', priority: 'low', deadlineMs: 2_000 },
  },
};

/** A little load on the two routes of {@link GATEWAY}. */
const LOAD = {
  sluiceScenario: 1,
  name: 'a little load',
  durationMs: 4_000,
  seeds: [1, 2],
  gateway: GATEWAY,
  streams: [
    { route: 'checkout', rate: [{ perSecond: 50 }], service: { kind: 'exponential', meanMs: 20 } },
    { route: 'report', rate: [{ perSecond: 50 }], service: { kind: 'exponential', meanMs: 60 } },
  ],
};

const reportsOf = (out: string): NamedReport[] => JSON.parse(out);

describe('sluice simulate', () => {
  it('tells class by class what the settings of the scenario would do', async () => {
    folder.write('load.json', LOAD);
    const { code, out, err } = await folder.call(['simulate', '--load', 'load.json']);
    expect(code).toBe(0);
    expect(out).toMatch(/^a little load: seeds 1, 2$/m);
    expect(out).toMatch(/^critical: checkout +\d/m);
    expect(out).toMatch(/^low: report +\d/m);
    expect(out).toMatch(/^main +\d+ /m);
    expect(err).toMatch(/requests in .* a second; a decision takes \d+ ns/);
  });

  it('gives the same report for the same seed, byte for byte, and another for another', async () => {
    folder.write('load.json', LOAD);
    const [one, again, other] = [
      await folder.call(['simulate', '-l', 'load.json', '--json']),
      await folder.call(['simulate', '-l', 'load.json', '--json']),
      await folder.call(['simulate', '-l', 'load.json', '--json', '--seed', '1', '--seed', '3']),
    ];
    expect(again.out).toBe(one.out);
    expect(other.out).not.toBe(one.out);
    expect(reportsOf(other.out)[0]?.report.seeds).toEqual([1, 3]);
  });

  it('shows before and after, on the same requests', async () => {
    folder.write('load.json', { ...LOAD, gateway: undefined });
    folder.write('before.json', GATEWAY);
    folder.write('after.mjs', `export default ${JSON.stringify({ ...GATEWAY, pools: { main: { max: 8 } } })};`);
    const args = ['simulate', '-l', 'load.json', '-c', 'before.json', '-c', 'after.mjs'];
    const [before, after] = reportsOf((await folder.call([...args, '--json'])).out);
    expect([before?.name, after?.name]).toEqual(['before.json', 'after.mjs']);
    const [small, large] = [before?.report.windows[0]?.total, after?.report.windows[0]?.total];
    expect(large?.offered).toBe(small?.offered);
    expect(large?.ceilingPercent).toBe(small?.ceilingPercent);
    expect(large?.good).toBeGreaterThan(small?.good ?? Number.POSITIVE_INFINITY);
    expect((await folder.call(args)).out).toMatch(/^after\.mjs +low: report/m);
  });

  it('obeys the environment, and needs no server', async () => {
    folder.write('load.json', LOAD);
    const { out } = await folder.call(['simulate', '-l', 'load.json', '--json'], {
      SLUICE_ROUTE_REPORT_RATE_PER_SECOND: '1',
      SLUICE_ROUTE_REPORT_BURST: '1',
    });
    expect(reportsOf(out)[0]?.report.windows[0]?.total.shedBy.rate_limited?.count).toBeGreaterThan(300);
  });

  it('counts callers of a route that limits them', async () => {
    const routes = { ...GATEWAY.routes, report: { pool: 'main', perCaller: { ratePerSecond: 1, burst: 1 } } };
    const streams = [{ ...LOAD.streams[1], tenants: [{ key: 'caller', count: 5 }] }];
    folder.write('load.json', { ...LOAD, gateway: { ...GATEWAY, routes }, streams });
    const total = reportsOf((await folder.call(['simulate', '-l', 'load.json', '--json'])).out)[0]?.report.windows[0]
      ?.total;
    // One at once and one a second, of each of the five, in both runs.
    expect(total?.good).toBeLessThanOrEqual(5 * 5 * 2);
    expect(total?.shedBy.rate_limited?.count).toBeGreaterThan(300);
  });

  it('queues where a route without a pool has a concurrency limit', async () => {
    const routes = { checkout: { concurrency: 1, deadlineMs: 500 } };
    folder.write('load.json', { ...LOAD, gateway: { routes }, streams: [LOAD.streams[0]] });
    const [told] = reportsOf((await folder.call(['simulate', '-l', 'load.json', '--json'])).out);
    expect(told?.report.pools).toMatchObject([{ name: 'route checkout' }]);
    expect(told?.report.pools[0]?.longestQueue).toBeGreaterThan(0);
  });

  it('says what it assumes of requests whose time nobody tells', async () => {
    folder.write('load.json', { ...LOAD, streams: LOAD.streams.map(({ service: _, ...stream }) => stream) });
    const { out } = await folder.call(['simulate', '-l', 'load.json']);
    expect(out).toMatch(/^checkout: service times assumed exponential around its expectedMs, 20 ms$/m);
    expect(out).toMatch(/^report: service times assumed exponential around 50 ms/m);
    const { err } = await folder.call(['simulate', '-l', 'load.json', '--json']);
    expect(err).toMatch(/^sluice: checkout: service times assumed/m);
  });

  it.each<[file: string, text: (json: string) => string]>([
    ['load.mjs', (json) => `export default ${json};`],
    ['load.ts', (json) => `const load: object = ${json};\nexport default load satisfies object;`],
  ])('takes %s', async (file, text) => {
    folder.write('load.json', LOAD);
    folder.write(file, text(JSON.stringify(LOAD)));
    const { code, out } = await folder.call(['simulate', '-l', file]);
    expect(code).toBe(0);
    expect(out).toBe((await folder.call(['simulate', '-l', 'load.json'])).out);
  });

  it.each<[file: string, text: string, message: RegExp]>([
    ['none.mjs', 'export const load = {};', /^sluice: none\.mjs: export the scenario as default$/],
    ['broken.mjs', 'export default {\n  a: ;\n};', /^sluice: .*broken\.mjs:2 cannot be read: [^\n]+$/],
    ['function.mjs', 'export default () => 1;', /^sluice: function\.mjs: the export is a function: give a value$/],
    [
      'cycle.mjs',
      'const a = {}; a.b = { c: [1, a] }; export default a;',
      /^sluice: cycle\.mjs: b\.c\[1\] leads back to what it stands in: give values without cycles$/,
    ],
    ['big.mjs', 'export default { durationMs: 5n };', /^sluice: big\.mjs: durationMs is 5n, a bigint: give a number$/],
    [
      'nan.mjs',
      'export default { durationMs: Number.NaN, rate: [-1 / 0] };',
      /^sluice: nan\.mjs: durationMs is NaN: give a finite number\n {2}nan\.mjs: rate\[0\] is -Infinity: give a finite/,
    ],
    ['broken.ts', 'export default {;', /^sluice: .*broken\.ts cannot be read: [^\n]+broken\.ts:1:16$/],
    ['throws.mjs', 'throw new Error("one\\ntwo");', /^sluice: .*throws\.mjs cannot be read: one two$/],
    [
      'wrong.mjs',
      'export default { sluiceScenario: 1, name: "w", durationMs: -5, streams: [] };',
      /wrong\.mjs, as JSON:4:17: durationMs: too small/,
    ],
  ])('says what is wrong with %s', async (file, text, message) => {
    folder.write(file, text);
    const { code, out, err } = await folder.call(['simulate', '-l', file]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(message);
  });

  it('names the settings that it does not model, of each configuration', async () => {
    folder.write('load.json', LOAD);
    folder.write('plain.json', { ...GATEWAY, mode: 'enforce', readinessDelayMs: 5 });
    folder.write(
      'rich.mjs',
      `export default { mode: 'observe', ratePerSecond: 5, burst: 9, maxEventLoopLagMs: 33,
        pools: { main: { max: 2, breaker: false, breakerResetMs: 700 } },
        routes: {
          checkout: { pool: 'main', tenantOf: () => 'a', costOf: () => 1, perCaller: { key: () => 'a', ratePerSecond: 1 } },
          report: { pool: 'main', window: '01:00-02:00', fleetWide: true, fleetMaxConcurrent: 3, ratePerSecond: 9 },
        } };`,
    );
    const args = ['simulate', '-l', 'load.json', '-c', 'plain.json', '-c', 'rich.mjs'];
    const { out, err } = await folder.call([...args, '--json']);
    const paths = [
      ...['mode', 'ratePerSecond', 'burst', 'maxEventLoopLagMs', 'pools.main.breaker', 'pools.main.breakerResetMs'],
      ...['routes.checkout.costOf', 'routes.checkout.tenantOf', 'routes.report.fleetWide'],
      ...['routes.report.fleetMaxConcurrent', 'routes.report.window'],
      'routes.checkout.perCaller (for streams without tenants)',
    ];
    expect(JSON.parse(out)).toMatchObject([{ notModelled: [] }, { notModelled: paths }]);
    expect(err).toContain(`sluice: rich.mjs: ${paths.join(', ')} are set and not modelled: the answer is without them`);
    expect(err).not.toContain('plain.json: mode');
    expect((await folder.call(['simulate', '--help'])).out).toContain('What it does not model is named: mode');
  });

  it('names the file of a mistake in the settings', async () => {
    folder.write('load.json', LOAD);
    folder.write('good.json', GATEWAY);
    folder.write('bad.json', { ...GATEWAY, pools: { main: { max: 0 } } });
    const two = await folder.call(['simulate', '-l', 'load.json', '-c', 'good.json', '-c', 'bad.json']);
    expect(two.err).toMatch(
      /^sluice: bad\.json: The configuration of Sluice has 1 mistake:\n {2}- pools\.main\.max is 0/,
    );
    folder.write('own.json', { ...LOAD, gateway: { ...GATEWAY, pools: { main: { max: 0 } } } });
    const own = await folder.call(['simulate', '-l', 'own.json']);
    expect(own.err).toMatch(
      /^sluice: The scenario has 1 mistake:\n {2}own\.json:\d+:\d+: gateway\.pools\.main\.max is 0: use/,
    );
    const shown = await folder.call(['config', '--config', 'bad.json']);
    expect(shown.err).toMatch(/^sluice: bad\.json: The configuration of Sluice has/);
    expect([two.code, own.code, shown.code]).toEqual([1, 1, 1]);
  });

  it('tells of functions in the gateway of a scenario that nobody calls', async () => {
    const { out: plain } = await folder.call(['simulate', '-l', folder.write('load.json', LOAD)]);
    const text = `const load = ${JSON.stringify(LOAD)};
      load.gateway.routes.report.tenantOf = () => 'a';
      export default load;`;
    const { code, out, err } = await folder.call(['simulate', '-l', folder.write('load.mjs', text)]);
    expect([code, out]).toEqual([0, plain]);
    expect(err).toMatch(
      /^sluice: load\.mjs: gateway\.routes\.report\.tenantOf is a function, which nobody calls here$/m,
    );
  });

  it('names the configuration that lacks what the load names', async () => {
    folder.write('load.json', LOAD);
    const { checkout } = GATEWAY.routes;
    folder.write('less.json', { ...GATEWAY, routes: { checkout } });
    const { code, err } = await folder.call(['simulate', '-l', 'load.json', '-c', 'less.json']);
    expect(code).toBe(1);
    expect(err).toMatch(/streams\[1\]\.route: less\.json has no route "report"; the routes are checkout$/m);
  });

  it('switches one mechanism off at a time', async () => {
    folder.write('load.json', LOAD);
    const { out } = await folder.call(['simulate', '-l', 'load.json', '--ablate', '--seed', '1']);
    const names = ['whole', 'feasibility', 'lifo', 'eviction', 'displacement', 'headroom', 'minima', 'none'];
    for (const name of names) expect(out).toMatch(new RegExp(`^(without )?${name} +\\d`, 'm'));
  });

  it('draws', async () => {
    folder.write('load.json', LOAD);
    expect((await folder.call(['simulate', '-l', 'load.json', '--plot', 'out.svg'])).code).toBe(0);
    const svg = readFileSync(join(folder.path, 'out.svg'), 'utf8');
    expect(svg).toMatch(/^<svg [\s\S]*a little load[\s\S]*checkout[\s\S]*<polyline[\s\S]*<\/svg>\n$/);
  });

  it.each<[title: string, load: unknown, message: RegExp]>([
    ['a mistake', { ...LOAD, durationMs: -5 }, /load\.json:4:17: durationMs: too small/],
    [
      'a route that does not exist',
      { ...LOAD, streams: [{ ...LOAD.streams[0], route: 'chekout' }] },
      /load\.json:\d+:16: streams\[0\]\.route: its gateway has no route "chekout"; did you mean checkout\?/,
    ],
    [
      'a pool that does not exist',
      { ...LOAD, events: [{ kind: 'outage', pool: 'other', atMs: 1, forMs: 1 }] },
      /events\[0\]\.pool: its gateway has no pool "other"; the pools are main/,
    ],
    [
      'a route that does not exist in a change',
      { ...LOAD, events: [{ kind: 'config', atMs: 1, routes: { reports: { burst: 1 } } }] },
      /its gateway has no route "reports"; did you mean report\?/,
    ],
    [
      'a reclaim by a class that nobody is in',
      { ...LOAD, reclaim: { atMs: 100, untilMs: 900, class: 'high', targetMs: 10 } },
      /load\.json:\d+:\d+: reclaim\.class: no stream comes to a route of class high; the classes of the streams are /,
    ],
    ['no gateway', { ...LOAD, gateway: undefined }, /brings no "gateway"; name a configuration with --config/],
    ['a gateway that cannot be', { ...LOAD, gateway: { routes: { a: { pool: 'b' } } } }, /routes\.a\.pool/],
  ])('tells of %s', async (_, load, message) => {
    folder.write('load.json', load);
    const { code, out, err } = await folder.call(['simulate', '-l', 'load.json', '--plot', 'out.svg']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(message);
    expect(existsSync(join(folder.path, 'out.svg'))).toBe(false);
  });

  it.each<[args: string[], code: number, message: RegExp]>([
    [['-l', 'absent.json'], 1, /absent\.json cannot be read/],
    [['-l', 'load.json', '--plot', 'no/such/folder.svg'], 1, /folder\.svg cannot be written/],
    [['-l', 'load.json', '--seed', '-1'], 2, /--seed/],
    [['-l', 'load.json', '--seed', '1.5'], 2, /--seed is 1\.5: give a whole number/],
    [['-l', 'load.json', '--seed', '4', '--seed', '2', '--seed', '4'], 2, /--seed 4 is given twice: .* leave it out/],
    [['-l', 'load.json', '--seed', 'x'], 2, /--seed is "x": give a number/],
    [['-l', 'load.json', '--ablate', '-c', 'a.json', '-c', 'a.json'], 2, /--ablate takes one configuration/],
  ])('ends %j with code %d', async (args, code, message) => {
    folder.write('load.json', LOAD);
    folder.write('a.json', GATEWAY);
    const told = await folder.call(['simulate', ...args]);
    expect(told.code).toBe(code);
    expect(told.err).toMatch(message);
  });
});
