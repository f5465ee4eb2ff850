import { createContext, runInContext } from 'node:vm';
import { expect, test } from 'vitest';
import { dashboardPage, dashboardPolicy } from '../../../middleware/dashboard-page.js';
import { RouteStats } from '../../../src/telemetry/route-stats.js';
import { snapshot } from '../../../src/telemetry/snapshot.js';
import type { TelemetrySource } from '../../../src/telemetry/source.js';

const HOSTILE = '<img src=x onerror=alert(1)>';

/** As much of an element as the page uses. Markup cannot be set on it: a page that tries fails. */
class TextElement {
  className = '';
  textContent = '';
  readonly children: TextElement[] = [];

  append(...children: TextElement[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: TextElement[]): void {
    this.children.splice(0, Number.POSITIVE_INFINITY, ...children);
  }
}

/** Runs the page's own script over answers that come second by second. */
async function run(pathname: string, answers: (() => unknown)[]) {
  const script = /<script nonce="n1">(.*)<\/script>/s.exec(dashboardPage('n1'))?.[1] ?? '';
  const elements = new Map<string, TextElement>();
  const asked: string[] = [];
  let nowMs = 0;
  let next = (): void => {};
  const context = createContext({
    location: { pathname },
    performance: { now: () => nowMs },
    AbortSignal,
    document: {
      getElementById: (id: string) => {
        const element = elements.get(id) ?? new TextElement();
        elements.set(id, element);
        return element;
      },
      createElement: () => new TextElement(),
    },
  });
  const done = new Promise<void>((resolve) => {
    context.setTimeout = (poll: () => void): void => {
      next = poll;
      nowMs += 1_000;
      if (answers.length === 0) resolve();
      else next();
    };
  });
  context.fetch = (url: string) => {
    asked.push(url);
    return Promise.resolve().then(() => ({ ok: true, json: async () => answers.shift()?.() }));
  };
  runInContext(script, context);
  await done;
  const rows = (id: string): string[][] =>
    (elements.get(id)?.children ?? []).map((row) => row.children.map((cell) => cell.textContent));
  return { rows, text: (id: string) => elements.get(id)?.textContent, asked };
}

function exampleGateway() {
  const stats = new RouteStats();
  const source: TelemetrySource = {
    mode: 'enforce',
    draining: false,
    eventLoopLagMs: 3,
    clientsTurnedAway: 2,
    fleet: undefined,
    routes: () => [{ name: HOSTILE, pool: 'checkout', priority: 'critical', stats }],
    pools: () => [
      {
        name: 'checkout',
        state: 'up',
        breaker: 'half_open',
        seats: { limit: 16, max: 16, tuning: undefined, inFlight: 11, headroom: 2, queuedByClass: [4, 3, 2, 1] },
        retries: { retried: 0, recovered: 0, out_of_tries: 0, out_of_budget: 0, out_of_time: 0 },
        advice: undefined,
        gauges: () => ({
          max: 16,
          total: 12,
          idle: 0,
          inUse: 9,
          connecting: 1,
          cleaning: 0,
          acquiring: 0,
          opened: 12,
          granted: 4,
          connectFailures: 0,
          lost: 0,
          cancels: 0,
        }),
      },
    ],
  };
  const surge = (): void => {
    for (let request = 0; request < 200; request += 1) {
      stats.arrive();
      if (request % 4 === 0) stats.shedWith('queue_full');
      else if (request === 1) continue;
      else {
        stats.admit(0);
        stats.end('succeeded', 20);
        stats.respond(20);
      }
    }
  };
  const read = () => JSON.parse(JSON.stringify(snapshot(source)));
  return { stats, surge, read };
}

test('shows rates over the last second and quantiles of the time that it has seen', async () => {
  const { stats, surge, read } = exampleGateway();
  for (let request = 0; request < 1_000; request += 1) stats.respond(9_000);
  const page = await run('/sluice', [
    read,
    () => {
      surge();
      return read();
    },
  ]);
  expect(page.rows('routes')).toEqual([
    [HOSTILE, 'critical', 'checkout', '200', '149', 'queue_full 50.0', '1', '0', '18 ms', '24 ms'],
  ]);
  expect(page.rows('pools')).toEqual([
    ['checkout', 'up', 'half-open', '11 / 16', '2', '4', '3', '2', '1', '9', '12', '16', '1'],
  ]);
  expect(page.text('facts')).toBe('mode enforce, event loop 3 ms late');
  expect(page.text('status')).toBe('live');
});

test('shows no rate from before a restart', async () => {
  const old = exampleGateway();
  old.surge();
  const fresh = exampleGateway();
  const page = await run('/sluice', [old.read, fresh.read]);
  expect(page.rows('routes')[0]?.slice(3)).toEqual(['0', '0', '0', '0', '0', '–', '–']);
});

test('says so when nobody answers, and goes on when somebody does', async () => {
  const { read } = exampleGateway();
  const broken = (): unknown => {
    throw new Error('down');
  };
  expect((await run('/sluice', [read, broken])).text('status')).toBe('no answer: down');
  expect((await run('/sluice', [broken, read])).text('status')).toBe('live');
});

test.each(['/sluice', '/sluice/'])('asks beside itself when mounted at %s', async (pathname) => {
  const page = await run(pathname, [exampleGateway().read]);
  expect(page.asked[0]).toBe('/sluice/snapshot.json');
});

test('has no part from outside and works under its own policy', () => {
  const page = dashboardPage('bm9uY2U=');
  expect(page).not.toMatch(/https?:|\/\/\w|@import|url\(/);
  expect(page).not.toMatch(/innerHTML|insertAdjacent|document\.write|eval\(|new Function/);
  expect(page).not.toMatch(/\son\w+="|\sstyle="/);
  const inline = [...page.matchAll(/<(?:script|style)\b[^>]*>/g)].map((match) => match[0]);
  expect(inline).toEqual(['<style nonce="bm9uY2U=">', '<script nonce="bm9uY2U=">']);
  expect(dashboardPolicy('bm9uY2U=')).toContain(
    "default-src 'none'; style-src 'nonce-bm9uY2U='; script-src 'nonce-bm9uY2U='",
  );
});

test.each(['', '"><script>', "a'; script-src *", 'a b'])('refuses the nonce %j', (nonce) => {
  expect(() => dashboardPage(nonce)).toThrow(/nonce/);
  expect(() => dashboardPolicy(nonce)).toThrow(/nonce/);
});
