import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RECORD_BYTES } from '../../../src/telemetry/decision-log/decision-record.js';
import { decodeLog, encodeLog } from '../../../src/telemetry/decision-log/log-document.js';
import { Folder } from '../../support/captured.js';
import { type RecordedRun, recordedRun } from '../../support/recorded-run.js';

/** Two classes on three seats at twice their capacity, and what their callers were told. */
let run: RecordedRun;
let folder: Folder;

const routes = {
  checkout: { pool: 'main', priority: 'critical', deadlineMs: 300 },
  search: { pool: 'main', deadlineMs: 400, ratePerSecond: 180, burst: 20 },
} as const;
const options = { pools: { main: { max: 3 } }, routes };

beforeAll(() => {
  run = recordedRun(options, 3_000);
});
beforeEach(() => {
  folder = new Folder();
  writeFileSync(join(folder.path, 'decisions.log'), run.bytes);
});
afterEach(() => folder.remove());

/** The log with some bytes changed, as a file. */
function altered(change: (bytes: Uint8Array) => Uint8Array): string {
  writeFileSync(join(folder.path, 'altered.log'), change(readFileSync(join(folder.path, 'decisions.log'))));
  return 'altered.log';
}

describe('sluice replay', () => {
  it('decides a log again to the same outcome', async () => {
    const { code, out, err } = await folder.call(['replay', 'decisions.log']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [, matched, decisions] = /^([\d,]+) of ([\d,]+) decisions are the same \(/.exec(out) ?? [];
    expect(matched).toBe(decisions);
    expect(Number(matched?.replace(',', ''))).toBeGreaterThan(3_000);
  });

  it('ends with 1 and shows the first record that comes out otherwise', async () => {
    const file = altered((bytes) => {
      const log = decodeLog(bytes);
      const places = Array.from({ length: log.count }, (_, place) => place);
      const place = places.find((each) => each > 500 && log.records.read(each).kind === 'take') ?? 0;
      const word = (place * RECORD_BYTES) / 4 + 8;
      log.records.words[word] = (log.records.words[word] ?? 0) ^ (1 << 7);
      return encodeLog({ ...log, records: new Uint8Array(log.records.words.buffer as ArrayBuffer) });
    });
    const { code, out } = await folder.call(['replay', file]);
    expect(code).toBe(1);
    expect(out).toMatch(/^[\d,]+ of [\d,]+ decisions are the same/);
    expect(out).toMatch(
      /first difference: record \d+, [\d.]+ s after the first: take of route "search" was (granted|refused by the endpoint), is (granted|refused by the endpoint) now$/m,
    );
    const { difference, matched, decisions } = JSON.parse((await folder.call(['replay', file, '--json'])).out);
    expect(difference.logged.kind).toBe('take');
    expect(matched).toBeLessThan(decisions);
  });

  it('shows whose fate other settings change, from what to what, the same for the same seed', async () => {
    folder.write('wider.json', { ...options, pools: { main: { max: 8 } } });
    const args = ['replay', 'decisions.log', '--config', 'wider.json'];
    const { code, out, err } = await folder.call(args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^wider\.json: the fate of [\d,]+ of 3,000 requests changes/);
    expect(out).toMatch(/^search +normal +(queue_full|deadline_unreachable) +→ admitted +\d+$/m);
    expect(out).toMatch(/^checkout +critical +admitted +=/m);
    expect(out).toMatch(/How long [\d,]+ requests hold their seat is not in the log: drawn, by seed/);
    expect(out).toMatch(/The first that change:\n {2}record \d+, [\d.]+ s: \w+ \(\w+\) \w+ → \w+/);
    expect((await folder.call(args)).out).toBe(out);
    const { rows, changed, requests } = JSON.parse((await folder.call([...args, '--json'])).out);
    expect(requests).toBe(3_000);
    const moved = rows.filter(({ from, to }: { from: string; to: string }) => from !== to);
    expect(moved.reduce((sum: number, row: { requests: number }) => sum + row.requests, 0)).toBe(changed);
    const gained = moved.filter(({ to }: { to: string }) => to === 'admitted');
    expect(gained.reduce((sum: number, row: { requests: number }) => sum + row.requests, 0)).toBeGreaterThan(300);
  });

  it('sees that nobody is treated otherwise by the same settings, and what a smaller bucket costs', async () => {
    folder.write('same.json', options);
    const same = await folder.call(['replay', 'decisions.log', '--config', 'same.json']);
    expect(same.out).toMatch(/^same\.json: the fate of 0 of 3,000 requests changes/);
    expect(same.out).toMatch(/^Left out are 0 whose fate hangs by a hair/m);
    folder.write('slower.json', { ...options, routes: { ...routes, search: { ...routes.search, ratePerSecond: 60 } } });
    const slower = await folder.call(['replay', 'decisions.log', '--config', 'slower.json']);
    expect(slower.out).toMatch(/^search +normal +admitted +→ rate_limited +\d+$/m);
    expect(slower.out).not.toMatch(/^search +normal +rate_limited +→/m);
  });

  it('gives the requests the costs of the other settings, and names seats that would adapt', async () => {
    const search = { ...routes.search, cost: 3 };
    folder.write('dearer.json', { ...options, routes: { ...routes, search } });
    const dearer = await folder.call(['replay', 'decisions.log', '--config', 'dearer.json']);
    expect(dearer.err).toBe('');
    expect(dearer.out).toMatch(/^search +normal +admitted +→ (queue_full|deadline_unreachable) +\d+$/m);
    folder.write('adaptive.json', { ...options, pools: { main: { max: 3, adaptive: true } } });
    const adaptive = await folder.call(['replay', 'decisions.log', '--config', 'adaptive.json', '--json']);
    expect(JSON.parse(adaptive.out).notModelled).toEqual(['pools.main.adaptive']);
    expect(adaptive.err).toMatch(/^sluice: adaptive\.json: pools\.main\.adaptive is set and not modelled/);
  });

  it('names the settings that it does not model, and the file of a mistake', async () => {
    folder.write('capped.json', { ...options, ratePerSecond: 5, burst: 5 });
    const args = ['replay', 'decisions.log', '--config', 'capped.json'];
    const { out, err } = await folder.call([...args, '--json']);
    expect(err).toMatch(/^sluice: capped\.json: ratePerSecond, burst are set and not modelled: the answer is without/);
    expect(JSON.parse(out).notModelled).toEqual(['ratePerSecond', 'burst']);
    folder.write('bad.json', { ...options, pools: { main: { max: 0 } } });
    const bad = await folder.call(['replay', 'decisions.log', '--config', 'bad.json']);
    expect(bad.err).toMatch(
      /^sluice: bad\.json: The configuration of Sluice has 1 mistake:\n {2}- pools\.main\.max is 0/,
    );
  });

  it.each<[what: string, change: (bytes: Uint8Array) => Uint8Array, message: RegExp]>([
    [
      'another version of the log',
      (bytes) => new TextEncoder().encode(`sluice-decisions 99 sluice 9.1.0 ${Buffer.from(bytes.subarray(40))}`),
      /^sluice: altered\.log: written by Sluice 9\.1\.0 in version 99 of the log; this is Sluice [\d.]+, which reads version \d+$/,
    ],
    ['a log that is cut off', (bytes) => bytes.subarray(0, 20_000), /cut off at byte 20000: it goes on to byte \d+$/],
    [
      'a log without its header',
      (bytes) => bytes.subarray(0, 200),
      /cut off at byte 200: its header goes on to byte \d+$/,
    ],
    [
      'a log without its first line',
      (bytes) => bytes.subarray(0, 12),
      /cut off at byte 12: its first line has no end$/,
    ],
    ['nothing', () => new Uint8Array(), /altered\.log: no decision log: it is empty$/],
    ['something that is no log', () => new TextEncoder().encode('{"a":1}'), /no decision log: it does not begin with/],
    [
      'a damaged record',
      (bytes) => bytes.map((byte, place) => (place === 100_000 ? byte ^ 1 : byte)),
      /damaged between byte \d+ and byte \d+: the checksum is another one$/,
    ],
    [
      'a damaged header',
      (bytes) => bytes.map((byte, place) => (place === 100 ? byte ^ 1 : byte)),
      /damaged between byte \d+ and byte \d+: the checksum is another one$/,
    ],
    [
      'a log that goes on',
      (bytes) => Buffer.concat([bytes, bytes]),
      /damaged: it should end at byte \d+, and goes on$/,
    ],
  ])('names what is wrong with %s, in one line', async (_, change, message) => {
    const { code, out, err } = await folder.call(['replay', altered(change)]);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(message);
    expect(err).not.toContain('\n');
  });

  it('says so where another Sluice wrote the log', async () => {
    const file = altered((bytes) => {
      const [line = '', ...rest] = Buffer.from(bytes).toString('latin1').split('\n');
      return Buffer.from([line.replace(/sluice [\d.]+/, 'sluice 0.0.7'), ...rest].join('\n'), 'latin1');
    });
    const { code, err } = await folder.call(['replay', file]);
    expect(code).toBe(0);
    expect(err).toMatch(/was written by Sluice 0\.0\.7; this is [\d.]+, which may decide otherwise$/);
  });

  it('is told how to be used', async () => {
    expect(await folder.call(['replay'])).toMatchObject({ code: 2, err: expect.stringContaining('give the file') });
    expect(await folder.call(['replay', 'a', 'b'])).toMatchObject({ code: 2 });
    const seed = await folder.call(['replay', 'decisions.log', '--seed', '1.5']);
    expect(seed).toMatchObject({ code: 2, err: expect.stringContaining('--seed is 1.5: give a whole number') });
    expect((await folder.call(['replay', 'none.log'])).err).toMatch(/none\.log cannot be read/);
    folder.write('less.json', { routes: { checkout: { deadlineMs: 300 } } });
    const less = await folder.call(['replay', 'decisions.log', '--config', 'less.json']);
    expect(less).toMatchObject({ code: 1, err: expect.stringContaining('less.json has no route "search"') });
  });
});
