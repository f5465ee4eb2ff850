import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../../src/cli/run-cli.js';
import { Folder } from '../../../support/captured.js';
import { until } from '../../pools/pool-fixture.js';
import { start } from '../programs.js';
import { WatchedApp } from './support.js';

let app: WatchedApp;
let folder: Folder;
beforeEach(async () => {
  folder = new Folder();
  app = await WatchedApp.start();
});
afterEach(async () => {
  await app.close();
  folder.remove();
});

describe('sluice top without a terminal', () => {
  it('prints one snapshot a line as JSON', async () => {
    const args = ['top', `${app.url.replace('http://', '')}/sluice/`, '--json', '--count', '3', '--interval-ms', '100'];
    const { code, out } = await folder.call(args);
    const snapshots = out.split('\n').map((line): unknown => JSON.parse(line));
    expect(code).toBe(0);
    expect(snapshots).toHaveLength(3);
    expect(snapshots[0]).toMatchObject({ mode: 'enforce', routes: [{ name: 'search' }, { name: 'checkout' }] });
  });

  it('prints one view after the other, without colours', async () => {
    const { code, out } = await folder.call(['top', `${app.url}/sluice`, '--count', '2', '--interval-ms', '100']);
    expect(code).toBe(0);
    expect(out.match(/^sluice http:.* enforce, event loop/gm)).toHaveLength(2);
    expect(out).not.toContain('\u001b');
  });

  it.each<[as: string, options: string[]]>([
    ['text', []],
    ['JSON', ['--json']],
  ])(
    'says once that the gateway went away, asks on until it is back, and ends when nobody reads on: %s',
    async (_as, options) => {
      let there = true;
      let asked = 0;
      const server = createServer((_req, res) => {
        asked += 1;
        if (there) res.end(JSON.stringify(app.gateway.snapshot()));
        else res.socket?.destroy();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const [out, err, unread] = [[] as string[], [] as string[], new AbortController()];
      const ended = runCli(['top', url, '--interval-ms', '100', ...options], {
        out: (text) => out.push(text),
        err: (text) => err.push(text),
        env: {},
        cwd: '.',
        nowMs: () => performance.now(),
        unread: unread.signal,
      });
      await until(() => out.length >= 2);
      there = false;
      await until(() => err.length >= 1);
      const [askedBefore, saidBefore] = [asked, out.length];
      await until(() => asked >= askedBefore + 3);
      expect(err).toEqual([
        expect.stringMatching(/^sluice: http:.*snapshot\.json cannot be reached: .+; trying again$/),
      ]);
      expect(out).toHaveLength(saidBefore);
      there = true;
      await until(() => out.length > saidBefore);
      expect(err.slice(1)).toEqual([`sluice: ${url}/snapshot.json answers again`]);
      unread.abort();
      expect(await ended).toBe(0);
      server.close();
      server.closeAllConnections();
    },
  );

  it('ends after so many looks, also where some of them failed, and says in its help how it ends', async () => {
    let asked = 0;
    const server = createServer((_req, res) => {
      asked += 1;
      if (asked === 1) res.end(JSON.stringify(app.gateway.snapshot()));
      else res.writeHead(502).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const call = await folder.call(['top', url, '--json', '--count', '4', '--interval-ms', '100']);
    expect([call.code, call.out.split('\n').length, asked]).toEqual([0, 1, 4]);
    expect(call.err).toMatch(/^sluice: .* answered 502: the server failed, and its log says why; trying again$/);
    server.close();
    server.closeAllConnections();
    const { out } = await folder.call(['top', '--help']);
    expect(out).toMatch(/goes away is said once .* asked again until it is back/);
    expect(out).toMatch(/Ends with 0 after --count looks, failed ones included/);
    expect(out).toMatch(/"left\/s" are clients .*, and requests whose body could not be read/);
  });

  it('brings along what authorize asks for, and says so where it lacks', async () => {
    await app.close();
    app = await WatchedApp.start('hush-hush');
    const args = ['top', `${app.url}/sluice`, '--json', '--count', '1'];
    const without = await folder.call(args);
    expect(without).toMatchObject({ code: 1, err: expect.stringMatching(/answered 403: .* --header$/) });
    expect(JSON.parse(without.out)).toMatchObject({ ok: false, error: expect.stringMatching(/ --header$/) });
    const withKey = await folder.call([...args, '--header', 'x-key: hush-hush']);
    expect(withKey.code).toBe(0);
    expect(withKey.out + withKey.err).not.toContain('hush-hush');
  });

  it.each<[args: string[], code: number, message: RegExp]>([
    [[], 2, /give the address of a gateway/],
    [['ftp://host/sluice'], 2, /"ftp:\/\/host\/sluice" is no address/],
    [['http://127.0.0.1:1/sluice'], 1, /127\.0\.0\.1:1\/sluice\/snapshot\.json cannot be reached/],
    [['http://x/', '--header', 'nonsense'], 2, /--header needs a name and a value/],
    [['http://x/', '--interval-ms', '5'], 2, /--interval-ms is 5: use a whole number from 100/],
  ])('%j: what is wrong and what helps', async (args, code, message) => {
    const call = await folder.call(['top', ...args]);
    expect([call.code, call.out]).toEqual([code, '']);
    expect(call.err).toMatch(message);
  });

  it('takes its headers nowhere else', async () => {
    const heard: unknown[] = [];
    const other = createServer((req, res) => {
      heard.push(req.headers);
      res.end('{}');
    }).listen(0, 'localhost');
    await once(other, 'listening');
    const target = `http://localhost:${(other.address() as AddressInfo).port}/login`;
    const front = createServer((_req, res) => void res.writeHead(302, { location: `${target}?ticket=t` }).end());
    await once(front.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}/sluice`;
    const call = await folder.call(['top', url, '--count', '1', '--header', 'x-operator-key: hush-hush']);
    expect([call.code, call.out]).toEqual([1, '']);
    expect(call.err).toMatch(/answered 302, a redirect to http:\/\/localhost:\d+\/login, which top does not follow$/);
    expect(heard).toEqual([]);
    other.close();
    front.close();
  });

  it.each(['{}', '{"routes":[],"pools":[{}]}', '{"routes":[{"name":"a"}],"pools":[]}', '{"routes":[null],"pools":[]}'])(
    'takes %s for no snapshot',
    async (body) => {
      const other = createServer((_req, res) => void res.end(body));
      await once(other.listen(0, '127.0.0.1'), 'listening');
      const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      const call = await folder.call(['top', url, '--count', '1']);
      expect([call.code, call.out]).toEqual([1, '']);
      expect(call.err).toMatch(/snapshot\.json is no snapshot: give the address where operations\(\) is mounted$/);
      other.close();
    },
  );

  it('takes no page of something else for a snapshot', async () => {
    expect(await folder.call(['top', `${app.url}/nowhere`])).toMatchObject({
      code: 1,
      err: expect.stringContaining('answered 404: give the address where operations() is mounted'),
    });
  });
});

describe('sluice top as a process whose output is read', () => {
  it('ends when nobody reads on', async () => {
    const child = start(['top', `${app.url}/sluice`, '--json', '--interval-ms', '100']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ends at SIGINT, also while the gateway is away', async () => {
    const child = start(['top', `${app.url}/sluice`, '--interval-ms', '100']);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('trying again')) child.kill('SIGINT');
    });
    child.stdout?.once('data', () => void app.close());
    expect(await once(child, 'exit')).toEqual([null, 'SIGINT']);
    app = await WatchedApp.start();
  });
});
