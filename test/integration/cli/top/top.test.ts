import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../../src/cli/run-cli.js';
import { PROGRAM, ROOT } from '../programs.js';
import { RecordedTerminal, WatchedApp } from './support.js';

let app: WatchedApp;
beforeEach(async () => {
  app = await WatchedApp.start();
});
afterEach(() => app.close());

/** Runs it on a screen; resolves to its exit code. */
function watch(terminal: RecordedTerminal, url = `${app.url}/sluice`, ...args: string[]): Promise<number> {
  return runCli(['top', url, '--interval-ms', '100', ...args], {
    out: () => undefined,
    err: () => undefined,
    env: {},
    cwd: '.',
    nowMs: () => performance.now(),
    terminal,
  });
}

/** The line of a route on a screen, in words. */
function lineOf(screen: string, route: string): string[] {
  return (screen.split('\n').find((line) => line.startsWith(route)) ?? '').trim().split(/\s{2,}/);
}

describe('sluice top on a terminal', () => {
  it('shows what happens on each route, and by which code it sheds', async () => {
    const terminal = new RecordedTerminal();
    const code = watch(terminal);
    await terminal.shows(/^routes, by shed$/m);
    const shed = terminal.shows(/rate_limited/);
    await app.call('/checkout', 8);
    const [, priority, pool, arrived, admitted, refused] = lineOf(await shed, 'checkout');
    expect([priority, pool]).toEqual(['critical', '-']);
    expect(Number(arrived)).toBeGreaterThan(0);
    expect(Number(refused)).toBeGreaterThan(0);
    expect(Number(arrived)).toBeCloseTo(Number(admitted) + Number(refused), -1);
    terminal.press('q');
    expect([await code, terminal.taken]).toEqual([0, false]);
  });

  it('sorts otherwise at a key, and the routes with it', async () => {
    const terminal = new RecordedTerminal();
    const code = watch(terminal);
    for (const sort of ['shed', 'rate', 'wait', 'name', 'shed']) {
      await terminal.shows(new RegExp(`^routes, by ${sort}$`, 'm'));
      terminal.press('s');
    }
    const busy = terminal.shows(/^search +normal +- +[1-9]/m);
    await app.call('/search', 20);
    const screen = await busy;
    expect(screen.indexOf('\nsearch')).toBeLessThan(screen.indexOf('\ncheckout'));
    terminal.press('\u0003');
    expect(await code).toBe(0);
  });

  it('stands still while paused', async () => {
    const terminal = new RecordedTerminal();
    const code = watch(terminal);
    await terminal.shows(/pauses$/);
    terminal.press('p');
    await terminal.shows(/goes on \(paused\)$/);
    const read = terminal.screens.length;
    await app.call('/search', 20);
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect(terminal.screens).toHaveLength(read);
    terminal.press('p');
    await terminal.shows(/^search +normal +- +[1-9]/m);
    terminal.signal();
    expect([await code, terminal.taken]).toEqual([0, false]);
  });

  it('says what is wrong on a narrow screen without the address, which stands in the title', async () => {
    const terminal = new RecordedTerminal(70);
    const code = watch(terminal);
    await terminal.shows(/^search/m);
    await app.close();
    await terminal.shows(/^cannot be reached: .*ECONNREFUSED [\d.:]+$/m);
    terminal.press('q');
    expect(await code).toBe(0);
    app = await WatchedApp.start();
  });

  it('says what is wrong when the gateway goes away, keeps its figures, and goes on when it is back', async () => {
    const terminal = new RecordedTerminal();
    const code = watch(terminal);
    await terminal.shows(/^search/m);
    const { url } = app;
    await app.close();
    const screen = await terminal.shows(/cannot be reached: .*ECONNREFUSED/);
    expect(screen).toMatch(/^search/m);
    expect(screen).toContain(`${url}/sluice/snapshot.json cannot be reached`);
    terminal.press('q');
    expect(await code).toBe(0);
    app = await WatchedApp.start();
  });

  it('ends at once, also while the gateway is silent', async () => {
    let asked: (() => void) | undefined;
    const silent = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = createServer((_req, res) => {
      // The first look is answered, and none after it.
      if (asked === undefined) return;
      if (first) res.end(JSON.stringify(app.gateway.snapshot()));
      else asked();
      first = false;
    }).listen(0, '127.0.0.1');
    let first = true;
    await once(server, 'listening');
    const terminal = new RecordedTerminal();
    const { port } = server.address() as AddressInfo;
    const code = watch(terminal, `http://127.0.0.1:${port}/`);
    await silent;
    const fromMs = performance.now();
    terminal.press('q');
    expect(await code).toBe(0);
    server.close();
    await once(server, 'close');
    expect(performance.now() - fromMs).toBeLessThan(1_000);
  });

  it.each([120, 80, 60, 40, 20])('fits a terminal of %i columns', async (columns) => {
    const terminal = new RecordedTerminal(columns, 8);
    expect(await watch(terminal, undefined, '--count', '2')).toBe(0);
    const lines = terminal.screens.at(-1)?.split('\n') ?? [];
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns);
    expect(lines.length).toBeLessThanOrEqual(8);
    expect(lines.at(-1)).toMatch(/^q ends/);
    if (columns >= 40) expect(lines.join('\n')).toMatch(/in\/s +(?:admitted\/s +)?shed\/s/);
  });
});

describe('sluice top as a process on a terminal of its own', () => {
  const hasScript = spawnSync('script', ['--version']).status === 0;

  // `script` of util-linux makes the terminal; the one of macOS is called otherwise.
  if (!hasScript) return;
  it.each<[how: string, end: (child: ReturnType<typeof spawn>) => void]>([
    ['at the key q', (child) => child.stdin?.write('q')],
    ['at Ctrl-C', (child) => child.stdin?.write('\u0003')],
  ])('gives the screen back %s', async (_how, end) => {
    const program = `node ${PROGRAM} top ${app.url}/sluice`;
    const child = spawn('script', ['-qec', program, '/dev/null'], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
    const shown = new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('q ends')) resolve();
      });
    });
    let output = '';
    await shown;
    expect(output).toContain('\u001b[?1049h');
    expect(output).not.toContain('\u001b[?1049l');
    end(child);
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    expect(output.trimEnd().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
  });
});
