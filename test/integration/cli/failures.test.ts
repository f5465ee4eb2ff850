import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainFailedLogin } from '../../../src/cli/doctor/failed-login.js';
import type { Finding } from '../../../src/cli/doctor/finding.js';
import { explainTrouble } from '../../../src/pools/connect-warnings.js';
import { Folder } from '../../support/captured.js';
import { endOf, PROGRAM, ROOT } from './programs.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const WRONG = { routes: { a: { deadlineMs: -1, prioritty: 'low' } } };

describe('with --json', () => {
  it.each(['config', 'doctor', 'pgbouncer'])('sluice %s tells a program what is wrong', async (command) => {
    const args = [command, '--config', folder.write('wrong.json', WRONG)];
    const { code, out, err } = await folder.call([...args, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      ok: false,
      error: expect.stringContaining('wrong.json: The configuration of Sluice has 2 mistakes'),
      mistakes: [
        { file: 'wrong.json', where: 'routes.a.prioritty', remedy: 'no such field', nearest: 'priority' },
        { file: 'wrong.json', where: 'routes.a.deadlineMs', value: '-1', remedy: expect.stringMatching(/^use /) },
      ],
    });
    // People are told as without it.
    expect(await folder.call(args)).toEqual({ code, out: '', err });
  });

  it.each<[args: string[], code: number, error: RegExp]>([
    [['config', '-c', 'absent.json'], 1, /absent\.json cannot be read/],
    [['config'], 2, /^give --config <file>$/],
    [['simulate', '--load', 'absent.json'], 1, /absent\.json cannot be read/],
  ])('%j tells it even where nothing could be read', async (args, code, error) => {
    const call = await folder.call([...args, '--json']);
    expect(call.code).toBe(code);
    expect(JSON.parse(call.out)).toEqual({ ok: false, error: expect.stringMatching(error), mistakes: [] });
  });
});

describe('sluice pgbouncer', () => {
  const options = {
    pools: {
      shop: { url: 'postgres://app:hidden@db:5433/shop', max: 6 },
      jobs: { url: 'postgres://db/x', admin: true },
    },
    routes: { a: { pool: 'shop' } },
  };
  const call = (...args: string[]): ReturnType<Folder['call']> =>
    folder.call(['pgbouncer', '-c', folder.write('gateway.json', options), ...args]);

  it('prints the same as JSON', async () => {
    const { code, out } = await call('--json', '--port', '7000');
    expect([code, out.includes('hidden')]).toEqual([0, false]);
    const { ini, ...told } = JSON.parse(out);
    expect(told).toMatchObject({
      listenPort: 7_000,
      entries: [{ name: 'shop', host: 'db', database: 'shop', poolSize: 6 }],
      bypassing: ['jobs'],
    });
    expect(ini.trimEnd()).toBe((await call('--port', '7000')).out);
  });

  it('takes no port that there is not', async () => {
    expect(await call('--port', '65536')).toMatchObject({ code: 2, err: expect.stringContaining('from 1 to 65535') });
    expect(await call('--port', '65535')).toMatchObject({ code: 0 });
  });
});

describe('sluice doctor on a host with few descriptors', () => {
  it.each([
    [48, 'failure'],
    [64, 'failure'],
    [128, 'warning'],
  ])('gives its finding with %d: %s', async (count, state) => {
    const options = { pools: { shop: { url: 'postgres://u@127.0.0.1:1/d', max: 8 } }, routes: { a: { pool: 'shop' } } };
    const file = join(folder.path, folder.write('gateway.json', options));
    const limited = ['-c', `ulimit -n ${count}; exec "$@"`, 'sh', process.execPath, PROGRAM];
    const child = spawn('sh', [...limited, 'doctor', '-c', file, '--json'], { cwd: ROOT });
    const { code, out, err } = await endOf(child);
    expect([code, err]).toEqual([1, 'sluice: looking at pool "shop"\n']);
    const { findings }: { findings: Finding[] } = JSON.parse(out);
    const found = (check: string): Finding | undefined => findings.find((each) => each.check === check);
    expect(found('descriptors')).toMatchObject({
      state,
      found: expect.stringContaining(` ${count} file descriptors`),
      remedy: expect.stringMatching(/^raise "ulimit -n"/),
    });
    expect(found('login')).toMatchObject({ found: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('what the doctor says of a login that fails', () => {
  it.each([
    ['unresolved', 'database_name_unresolved', /address at present \(met\)$/, /^correct the host of the url/],
    [
      'unreachable',
      'database_unreachable',
      /^the server cannot be reached \(met\)$/,
      /^see that the server has started/,
    ],
    ['not_accepting', 'database_unreachable', /takes no connection \(met\)$/, /^see that the server has started/],
    ['tls', 'database_tls_failed', /none without is tried$/, /^mend the certificate .*\(tlsCa\).*\(met\)$/],
    ['unsupported', 'database_unsupported', /^the server cannot be used as it is \(met\)$/, /^the message says/],
  ] as const)('%s: what helps before there is a gateway', (trouble, code, why, remedy) => {
    const explained = explainFailedLogin(code, explainTrouble(trouble, new Error('met')));
    expect(explained).toEqual({ why: expect.stringMatching(why), remedy: expect.stringMatching(remedy) });
    expect(`${explained.why}${explained.remedy}`).not.toMatch(/tried again|go on/);
  });
});
