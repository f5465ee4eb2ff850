import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NamedReport } from '../../../src/cli/report-text.js';
import { Ticket } from '../../../src/core/ticket.js';
import { DecisionLog } from '../../../src/telemetry/decision-log/decision-log.js';
import { RECORD_BYTES } from '../../../src/telemetry/decision-log/decision-record.js';
import { decodeLog, encodeLog } from '../../../src/telemetry/decision-log/log-document.js';
import { Folder } from '../../support/captured.js';
import { type RecordedRun, recordedRun } from '../../support/recorded-run.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** Two classes on three seats at twice their capacity. */
const routes = {
  checkout: { pool: 'main', priority: 'critical', deadlineMs: 300 },
  search: { pool: 'main', deadlineMs: 400, ratePerSecond: 180, burst: 20 },
} as const;
const options = { pools: { main: { max: 3 } }, routes };

let run: RecordedRun;
let folder: Folder;
beforeAll(() => {
  run = recordedRun(options, 3_000);
});
beforeEach(() => {
  folder = new Folder();
  writeFileSync(join(folder.path, 'decisions.log'), run.bytes);
});
afterEach(() => folder.remove());

async function reports(...args: string[]): Promise<readonly NamedReport[]> {
  const { code, out } = await folder.call(['simulate', '-l', 'decisions.log', '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(out);
}

const whole = (named: NamedReport | undefined) => {
  const window = named?.report.windows[0];
  if (window === undefined) throw new Error('there is no report');
  return window;
};

describe('sluice simulate with a decision log', () => {
  it('comes to nearly the same, class by class, under the settings of the log', async () => {
    const { total, classes } = whole((await reports())[0]);
    expect(total.offered).toBe(3_000);
    expect(classes.map(({ name, offered }) => [name, offered])).toEqual([
      ['critical', 1_500],
      ['normal', 1_500],
    ]);
    const served = run.fates.get('admitted') ?? 0;
    expect(served).toBeGreaterThan(1_000);
    expect(Math.abs(total.good + total.late - served)).toBeLessThan(0.02 * served);
  });

  it('charges the buckets of the settings', async () => {
    const limited = recordedRun(
      { ...options, routes: { ...routes, search: { ...routes.search, ratePerSecond: 60 } } },
      3_000,
    );
    writeFileSync(join(folder.path, 'decisions.log'), limited.bytes);
    const was = limited.fates.get('rate_limited') ?? 0;
    expect(was).toBeGreaterThan(100);
    const is = whole((await reports())[0]).total.shedBy.rate_limited?.count ?? 0;
    expect(Math.abs(is - was)).toBeLessThan(0.05 * was);
  });

  it('gives the requests the cost of their route', async () => {
    folder.write('dearer.json', { ...options, routes: { ...routes, search: { ...routes.search, cost: 3 } } });
    folder.write('same.json', options);
    const [dearer, same] = await reports('-c', 'dearer.json', '-c', 'same.json');
    const good = (named: NamedReport | undefined) =>
      whole(named).classes.find(({ name }) => name === 'normal')?.good ?? 0;
    expect(good(dearer)).toBeLessThan(0.5 * good(same));
  });

  it('reports as for a scenario, and says which times were drawn', async () => {
    const { code, out, err } = await folder.call(['simulate', '-l', 'decisions.log']);
    expect(code).toBe(0);
    expect(out).toMatch(/^decisions\.log: seed 1$/m);
    expect(out).toMatch(/^critical: checkout +\d/m);
    expect(out).toMatch(/^The load is a log of [\d,]+ records, [\d.]+ s, by Sluice /m);
    expect(out).toMatch(/^How long [\d,]+ requests hold their seat is not in the log: drawn, by seed/m);
    expect(err).toMatch(/^sluice: decisions\.log: 3000 requests in .* a decision takes \d+ ns$/);
    const json = await folder.call(['simulate', '-l', 'decisions.log', '--json']);
    expect(json.err).toMatch(/^sluice: How long [\d,]+ requests/m);
  });

  it('gives the same report for the same seed, byte for byte, and another for another', async () => {
    const args = ['simulate', '-l', 'decisions.log', '--json'];
    const one = await folder.call(args);
    expect((await folder.call(args)).out).toBe(one.out);
    expect((await folder.call([...args, '--seed', '2'])).out).not.toBe(one.out);
  });

  it('shows before and after, on the same requests', async () => {
    folder.write('before.json', options);
    folder.write('after.json', { ...options, pools: { main: { max: 8 } } });
    const [before, after] = await reports('-c', 'before.json', '-c', 'after.json');
    expect([before?.name, after?.name]).toEqual(['before.json', 'after.json']);
    expect(whole(after).total.ceilingPercent).toBe(whole(before).total.ceilingPercent);
    expect(whole(after).total.good).toBeGreaterThan(whole(before).total.good + 50);
    // The settings of the log are those of `before`.
    const [own] = await reports();
    expect(whole(own)).toEqual(whole(before));
  });

  it('gives the whole time of a route to those that had it, and what a client shortened to the others', async () => {
    const longer = { ...routes, checkout: { ...routes.checkout, deadlineMs: 3_000 } };
    folder.write('longer.json', { ...options, routes: longer });
    const ceiling = ({ report }: NamedReport) => report.windows[0]?.classes[0]?.ceilingPercent;
    expect((await reports('-c', 'longer.json')).map(ceiling)).toEqual([100]);
    folder.write('shorter.json', {
      ...options,
      routes: { ...routes, checkout: { ...routes.checkout, deadlineMs: 10 } },
    });
    const [short] = (await reports('-c', 'shorter.json')).map(ceiling);
    // Exponential times around 10 ms.
    expect(short).toBeGreaterThan(55);
    expect(short).toBeLessThan(72);
  });

  it('switches mechanisms off, and draws', async () => {
    const { code, out } = await folder.call(['simulate', '-l', 'decisions.log', '--ablate', '--plot', 'out.svg']);
    expect(code).toBe(0);
    for (const name of ['whole', 'without feasibility', 'none']) expect(out).toMatch(new RegExp(`^${name} +\\d`, 'm'));
    const svg = readFileSync(join(folder.path, 'out.svg'), 'utf8');
    expect(svg).toMatch(/^<svg [\s\S]*decisions\.log[\s\S]*<polyline/);
  });

  it('begins with what was under way where the beginning of a log is gone', async () => {
    const { bytes } = recordedRun(options, 3_000, 4_000);
    writeFileSync(join(folder.path, 'decisions.log'), bytes);
    const { total } = whole((await reports())[0]);
    expect(total.offered).toBeGreaterThan(300);
    expect(total.offered).toBeLessThan(2_500);
    expect(total.good).toBeGreaterThan(total.offered * 0.4);
  });

  it('ends the load, and says so, where this Sluice decides otherwise than the log', async () => {
    const log = decodeLog(run.bytes);
    const places = Array.from({ length: log.count }, (_, place) => place);
    const place = places.find((each) => each > 3_000 && log.records.read(each).kind === 'take') ?? 0;
    const word = (place * RECORD_BYTES) / 4 + 8;
    log.records.words[word] = (log.records.words[word] ?? 0) ^ (1 << 7);
    const records = new Uint8Array(log.records.words.buffer as ArrayBuffer);
    writeFileSync(join(folder.path, 'decisions.log'), encodeLog({ ...log, records }));
    const { code, out, err } = await folder.call(['simulate', '-l', 'decisions.log', '--json']);
    expect(code).toBe(0);
    expect(err).toMatch(
      /^sluice: decisions\.log: this Sluice decides otherwise than the log from record \d+ on, [\d.]+ s after the first: the load ends there$/m,
    );
    const [cut]: NamedReport[] = JSON.parse(out);
    expect(whole(cut).total.offered).toBeGreaterThan(300);
    expect(whole(cut).total.offered).toBeLessThan(1_500);
    expect(whole(cut).untilMs).toBeLessThan(5_000);
  });

  it('repeats outages on the pools that there are, and leaves what a pool decided on its seats out', async () => {
    const log = new DecisionLog({ records: 10_000, clock: new VirtualClock(), secret: [1, 2] });
    const bulkhead = log.bulkhead<undefined>('main', { seats: 2, servesTopClass: false });
    const times = log.times('work', {});
    const route = {
      name: 'work',
      rank: 2 as const,
      deadlineMs: 3_000,
      maxQueued: 10,
      times,
      queued: 0,
      lastLeaseMs: 0,
    };
    log.addRoute({ route, rank: 2, gate: 'main' });
    bulkhead.resize(0, 1);
    for (let atMs = 0; atMs < 1_000; atMs += 100) {
      if (atMs === 500) bulkhead.beginOutage(atMs);
      const ticket = new Ticket(undefined, route, 2, atMs, atMs + 3_000);
      if (bulkhead.arrive(atMs, ticket) !== 'leased') continue;
      times.record(atMs + 90, 90);
      bulkhead.release(atMs + 90, ticket);
    }
    log.turnAway(1_000, new Ticket(undefined, route, 2, 1_000, 4_000), undefined, 'breaker_open');
    writeFileSync(join(folder.path, 'decisions.log'), log.document('enforce'));
    const { out } = await folder.call(['simulate', '-l', 'decisions.log']);
    expect(out).toMatch(/^The seats of main changed in the log; here they are as they are set\.$/m);
    expect(out).toMatch(/^1 request was refused by a circuit, by the event loop or at the end of the process/m);
    const down = whole((await reports())[0]).total;
    folder.write('other.json', {
      pools: { other: { max: 2 } },
      routes: { work: { pool: 'other', deadlineMs: 3_000 } },
    });
    const up = whole((await reports('-c', 'other.json'))[0]).total;
    expect([down.offered, up.offered]).toEqual([11, 11]);
    // Those that came while it was down waited for its end.
    expect(up.latencyMs.p99Ms).toBeLessThan(200);
    expect(down.latencyMs.p99Ms).toBeGreaterThan(450);
  });

  it.each<[what: string, change: (bytes: Uint8Array) => Uint8Array, message: RegExp]>([
    ['a log that is cut off', (bytes) => bytes.subarray(0, 20_000), /^sluice: load\.log: cut off at byte 20000: /],
    ['the beginning of a log', (bytes) => bytes.subarray(0, 9), /^sluice: load\.log: cut off at byte 9: /],
    [
      'a damaged log',
      (bytes) => bytes.map((byte, place) => (place === 100_000 ? byte ^ 1 : byte)),
      /^sluice: load\.log: damaged between byte \d+ and byte \d+: the checksum is another one$/,
    ],
    [
      'a log of another version',
      () => new TextEncoder().encode('sluice-decisions 99 sluice 9.1.0 x'),
      /^sluice: load\.log: written by Sluice 9\.1\.0 in version 99 of the log; this is Sluice .*, which reads version \d+$/,
    ],
    [
      'a log without requests',
      (bytes) => encodeLog({ ...decodeLog(bytes), records: new Uint8Array(), checkpoints: [] }),
      /^sluice: load\.log has no request: there is nothing to simulate$/,
    ],
    [
      'something that is neither',
      () => new TextEncoder().encode('sluice'.toUpperCase()),
      /load\.log:1:1: expected a value/,
    ],
  ])('names what is wrong with %s, in one line', async (_, change, message) => {
    writeFileSync(join(folder.path, 'load.log'), change(run.bytes));
    const { code, out, err } = await folder.call(['simulate', '-l', 'load.log', '--plot', 'out.svg']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(message);
    expect(existsSync(join(folder.path, 'out.svg'))).toBe(false);
  });

  it('names a route that a configuration lacks', async () => {
    folder.write('less.json', { routes: { checkout: { deadlineMs: 300 } } });
    const { code, err } = await folder.call(['simulate', '-l', 'decisions.log', '-c', 'less.json']);
    expect(code).toBe(1);
    expect(err).toBe('sluice: less.json has no route "search", which the log has; the routes are checkout');
  });
});
