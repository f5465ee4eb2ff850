import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Folder } from '../../support/captured.js';
import { endOf, PROGRAM, ROOT, start } from './programs.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

describe('sluice', () => {
  it('lists its commands, and each tells its options', async () => {
    const help = await folder.call(['--help']);
    expect(help.code).toBe(0);
    const commands = [...help.out.matchAll(/^ {2}(\w+) {2}/gm)].map(([, name]) => name ?? '');
    expect(commands).toEqual(['simulate', 'replay', 'config', 'size', 'doctor', 'top', 'pgbouncer']);
    for (const command of commands) {
      const own = await folder.call([command, '--help']);
      expect(own).toMatchObject({ code: 0, err: '' });
      expect(own.out).toMatch(new RegExp(`^Usage: sluice ${command} `));
      expect(own.out).toMatch(/-h, --help/);
      expect((await folder.call(['help', command])).out).toBe(own.out);
    }
  });

  it.each<[args: string[], message: RegExp]>([
    [['simulat'], /no command "simulat"; did you mean simulate\?/],
    [['frobnicate'], /no command "frobnicate"$/m],
    [['--verbose'], /no option "--verbose"/],
    [['simulate', '--lod', 'x.json'], /no option --lod; did you mean --load\?[\s\S]*See sluice simulate --help/],
    [['simulate', '--load'], /--load needs a value: --load <file>/],
    [['simulate', '--load', 'a', '--load', 'b'], /--load is given twice/],
    [['simulate', '--load', 'a.json', 'b.json'], /"b\.json" is no option of sluice simulate/],
    [['simulate', '--json=yes', '--load', 'a'], /--json takes no value/],
    [['simulate'], /give --load <file>: a scenario, or a decision log/],
    [['config'], /give --config <file>/],
    [['size', '--concurrent-requests', '150'], /give --operations-per-request <n>/],
    [['size', '--concurrent-requests', '0x10', '--operations-per-request', '1'], /is "0x10": give a number/],
  ])('%j is misuse, and it says how to put it right', async (args, message) => {
    const { code, out, err } = await folder.call(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
  });

  it('shows its help to who says nothing, as misuse', async () => {
    expect(await folder.call([])).toMatchObject({ code: 2, out: expect.stringContaining('Usage: sluice <command>') });
  });

  it('knows its version', async () => {
    const own: { version: string } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    );
    expect(await folder.call(['--version'])).toMatchObject({ code: 0, out: own.version });
  });

  it('runs as a program, with its exit code', () => {
    const run = (...args: string[]) => spawnSync(process.execPath, [PROGRAM, ...args], { cwd: ROOT, encoding: 'utf8' });
    expect(run('size', '--concurrent-requests', '150', '--operations-per-request', '0.3')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('recommended: 68'),
    });
    expect(run('sise')).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('did you mean size?') });
  });

  it('ends quietly when nobody reads on', async () => {
    const child = start(['--help'], 'pipe');
    child.stdout?.destroy();
    expect(await endOf(child)).toMatchObject({ code: 0, err: '' });
  });

  it('says so in one line when its output cannot be written', async () => {
    folder.write('read-only', '');
    const child = start(['--help'], openSync(join(folder.path, 'read-only'), 'r'));
    const { code, err } = await endOf(child);
    expect(code).toBe(1);
    expect(err).toMatch(/^sluice: the output cannot be written: [^\n]+\n$/);
  });

  it('ends when it has said all, whatever a file of options has begun', async () => {
    folder.write('app.mjs', 'setInterval(() => {}, 1_000); export const app = 1;');
    const { code, err } = await endOf(start(['config', '--config', join(folder.path, 'app.mjs')], 'pipe'));
    expect(code).toBe(1);
    expect(err).toMatch(/app\.mjs has no default export/);
  });

  it('needs no standard input', async () => {
    expect(await endOf(start(['--version'], 'pipe'))).toMatchObject({ code: 0, err: '' });
  });

  it('is stopped by an interrupt, even in the midst of a long simulation', async () => {
    const streams = [{ route: 'work', rate: [{ perSecond: 1000 }], service: { kind: 'constant', ms: 5 } }];
    const gateway = { pools: { main: { max: 2 } }, routes: { work: { pool: 'main' } } };
    const load = { sluiceScenario: 1, name: 'long', durationMs: 86_400_000, gateway, streams };
    folder.write('long.json', load);
    // The last thing that is read before the simulation begins.
    folder.write('config.mjs', `process.stderr.write('loaded'); export default ${JSON.stringify(gateway)};`);
    const child = start(
      ['simulate', '-l', join(folder.path, 'long.json'), '-c', join(folder.path, 'config.mjs')],
      'pipe',
    );
    child.stderr?.once('data', () => child.kill('SIGINT'));
    const [code, signal] = await once(child, 'exit');
    expect([code, signal]).toEqual([null, 'SIGINT']);
  });
});

describe('sluice size', () => {
  const size = (...more: string[]) =>
    folder.call(['size', '--concurrent-requests', '150', '--operations-per-request', '0.3', ...more]);

  it('names every bound, and the one that binds', async () => {
    expect((await size()).out).toMatch(/recommended: 68 \(demand\)/);
    expect((await size('--server-cores', '8')).out).toMatch(
      /capacity +24 to 40 +binds[\s\S]*recommended: 40 \(capacity\)/,
    );
    expect((await size('--server-cores', '8', '--budget-share', '25')).out).toMatch(/recommended: 25 \(budget\)/);
    expect((await size('--server-cores', '8', '--instances', '4')).out).toMatch(/recommended: 10 \(capacity\)\n*$/);
  });

  it('says so where there are more instances than the server serves well', async () => {
    expect((await size('--server-cores', '2', '--instances', '11')).out).toMatch(
      /recommended: 1 \(capacity\)\n11 instances with one connection each are more than the 10 that these cores serve/,
    );
  });

  it('prints JSON', async () => {
    expect(JSON.parse((await size('--json', '--safety-factor', '1')).out)).toMatchObject({ recommended: 45 });
  });

  it('names an input that is out of range', async () => {
    expect(await size('--safety-factor', '0.5')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^sluice: --safety-factor is 0.5: give/),
    });
  });
});

describe('sluice config', () => {
  const OPTIONS = {
    pools: { main: { url: 'postgres://app:hidden@db/shop', max: 7 } },
    routes: { checkout: { pool: 'main', deadlineMs: 500 } },
  };

  it.each<[file: string, text: (json: string) => string]>([
    ['sluice.config.json', (json) => json],
    ['sluice.config.mjs', (json) => `export default ${json};`],
    ['sluice.config.cjs', (json) => `module.exports = ${json};`],
    ['sluice.config.ts', (json) => `const options: object = ${json};\nexport default options satisfies object;`],
  ])('reads %s, and tells where each value comes from, secrets masked', async (file, text) => {
    folder.write(file, text(JSON.stringify(OPTIONS)));
    const env = { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '300' };
    const { code, out } = await folder.call(['config', '--config', file], env);
    expect(code).toBe(0);
    expect(out).toMatch(/^SLUICE_POOL_MAIN_MAX +7 +code$/m);
    expect(out).toMatch(/^SLUICE_ROUTE_CHECKOUT_DEADLINE_MS +300 +environment$/m);
    expect(out).toMatch(/^SLUICE_POOL_MAIN_MIN_IDLE +2 +default$/m);
    expect(out).not.toContain('hidden');
  });

  it('prints JSON', async () => {
    folder.write('c.json', OPTIONS);
    const lines: { path: string; value: string }[] = JSON.parse(
      (await folder.call(['config', '-c', 'c.json', '--json'])).out,
    );
    expect(lines.find(({ path }) => path === 'pools.main.max')).toMatchObject({ value: '7', origin: 'code' });
  });

  it('tells what can hardly be meant beside its output, and is content', async () => {
    folder.write('c.json', { ...OPTIONS, routes: { ...OPTIONS.routes, a: { ratePerSecond: 500, burst: 1 } } });
    const { code, out, err } = await folder.call(['config', '-c', 'c.json', '--json']);
    expect([code, JSON.parse(out)]).toEqual([0, expect.any(Array)]);
    expect(err).toMatch(/^worth a second look: routes\.a\.burst: with 500 requests\/s and a burst of 1, [^\n]+$/);
    folder.write('c.json', OPTIONS);
    expect(await folder.call(['config', '-c', 'c.json'])).toMatchObject({ code: 0, err: '' });
  });

  it.each<[file: string, text: string, message: RegExp]>([
    ['absent.json', '', /absent\.json cannot be read/],
    ['absent', '', /absent cannot be read: there is no such file/],
    ['.', '', / cannot be read: it is a folder; name a file in it/],
    ['absent.mjs', '', /absent\.mjs cannot be read/],
    ['bad.json', '{\n  "pools": oops }', /bad\.json:2:12: expected a value/],
    ['throws.mjs', 'throw new Error("no such luck");', /throws\.mjs cannot be read: no such luck/],
    ['broken.ts', 'export default {;', /broken\.ts cannot be read/],
    [
      'none.mjs',
      'export const options = {};',
      /none\.mjs has no default export: export the options of the gateway as default/,
    ],
    ['list.json', '[]', /list\.json holds a list: give the options of the gateway/],
    ['c.yaml', 'pools:', /c\.yaml: use a file that ends in \.json, /],
    [
      'wrong.json',
      '{"routes": {"a": {"deadlineMs": -1, "prioritty": "low"}}}',
      /2 mistakes[\s\S]*prioritty[\s\S]*did you mean priority/,
    ],
  ])('says what is wrong with %s', async (file, text, message) => {
    if (text !== '') folder.write(file, text);
    const { code, out, err } = await folder.call(['config', '--config', file]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(message);
  });
});
