import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { protect } from 'sluice/express';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JumpClock } from '../integration/gateway/jump-clock.js';
import { type LoopGaps, watchLoop } from '../integration/gateway/loop-gaps.js';
import { type Bench, type Latch, latch, serve } from '../integration/http/harness.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F67: fifty thousand wait at once. They are as many as they are allowed to be, cost one timer, and hold nobody up.

const CROWD = 50_000;
/**
 * Answers on one connection wait for each other, and go out together when the first of them does: Node's business. No
 * more than fit into the line of a listening socket, so that none of them connects late.
 */
const SOCKETS = 500;
/**
 * The gateway's own turns stay below 50 ms, see the tests of crowds; here come those of Node, which writes the answers,
 * and of its garbage collector. All of them in one turn would take seconds.
 */
const LONGEST_TURN_MS = 1_000;
const DEADLINE_MS = 600_000;

/**
 * Sends its requests without waiting for an answer, in turn on its connections and evenly in time. Counts
 * the answers by their status.
 */
const CLIENT = `
const { connect } = require('node:net');
const [port, sockets, count] = process.argv.slice(1).map(Number);
const counts = {};
let answered = 0;
let sent = 0;
const hear = (status) => {
  counts[status] = (counts[status] || 0) + 1;
  answered += 1;
  if (answered === count) process.stdout.write(JSON.stringify(counts), () => process.exit(0));
};
const all = Array.from({ length: sockets }, () => {
  const socket = connect(port, '127.0.0.1');
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('error', (error) => { console.error(error.message); process.exit(1); });
  socket.on('data', (text) => {
    const lines = (rest + text).split('\\r\\n');
    rest = lines.pop();
    for (const line of lines) {
      const found = /HTTP\\/1\\.1 (\\d+)/.exec(line);
      if (found) hear(found[1]);
    }
  });
  return socket;
});
const startedAt = performance.now();
const sending = setInterval(() => {
  const ms = performance.now() - startedAt;
  for (; sent < Math.min(count, ms * 6); sent += 1) {
    all[sent % sockets].write('GET /narrow HTTP/1.1\\r\\nHost: test\\r\\n\\r\\n');
  }
  if (sent === count) clearInterval(sending);
}, 2);
process.stdin.resume();
process.stdin.on('end', () => process.exit(1));
`;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Crowd {
  readonly child: ChildProcess;
  /** Answers by their status, once everybody has one. */
  readonly answers: Promise<Readonly<Record<string, number>>>;
}

let bench: Bench;
let clock: JumpClock;
let hold: Latch;
let gaps: LoopGaps | undefined;
let crowd: Crowd | undefined;

async function start(route: { readonly maxQueued?: number }): Promise<void> {
  hold = latch();
  clock = new JumpClock();
  bench = await serve(
    { surroundings: { clock }, routes: { narrow: { concurrency: 1, deadlineMs: DEADLINE_MS, ...route } } },
    (app, gateway) => {
      app.get(
        '/narrow',
        protect(gateway, 'narrow', {}, async (_req, res) => {
          await hold.promise;
          // As a handler that works does: not all of them in one turn.
          await nextTurn();
          res.json({});
        }),
      );
    },
  );
}

beforeEach(() => {
  crowd = undefined;
  gaps = undefined;
});
afterEach(async () => {
  gaps?.stop();
  crowd?.child.kill('SIGKILL');
  await bench.close();
});

function send(count: number): Crowd {
  const args = [bench.port, SOCKETS, count].map(String);
  const child = spawn(process.execPath, ['-e', CLIENT, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  crowd = { child, answers: once(child, 'close').then(() => JSON.parse(text) as Record<string, number>) };
  return crowd;
}

const stats = () => bench.stats('narrow');
const queued = (): number => bench.gateway.entry('narrow').runtime.queued;
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describeFault('F67: fifty thousand at once', () => {
  it('are told at once, but for as many as may wait', async () => {
    await start({});
    const few = CROWD / 10;
    const { answers } = send(few);
    await until(() => stats().arrived === few);
    const cap = queued();
    expect(cap).toBeGreaterThan(0);
    expect(cap).toBeLessThanOrEqual(1_000);
    expect(stats().shed + cap + 1).toBe(few);
    gaps = watchLoop();
    hold.open();
    expect(await answers).toEqual({ 200: cap + 1, 503: few - cap - 1 });
    expect(gaps?.longestMs()).toBeLessThan(LONGEST_TURN_MS);
    await bench.atRest();
  });

  it('may wait: one timer for all, and no stall when the time of all is over', async () => {
    await start({ maxQueued: CROWD });
    const before = { timers: timers(), heap: process.memoryUsage().heapUsed };
    const { answers } = send(CROWD);
    await until(() => stats().arrived === CROWD, 40_000);
    expect(queued()).toBe(CROWD - 1);
    // How many arrive in one turn is Node's and the client's business; how many end in one is not.
    gaps = watchLoop();
    // Node has some of its own for connections.
    expect(timers() - before.timers).toBeLessThanOrEqual(SOCKETS + 5);
    expect((process.memoryUsage().heapUsed - before.heap) / CROWD).toBeLessThan(16 * 1_024);
    clock.jump(DEADLINE_MS);
    const counts = await answers;
    // As the first one ends, a few may get its seat for their last millisecond.
    const late = counts[504] ?? 0;
    expect(late).toBeLessThanOrEqual(20);
    expect(counts).toEqual({ 503: CROWD - late, 504: late });
    expect(gaps?.longestMs()).toBeLessThan(LONGEST_TURN_MS);
    hold.open();
    await bench.atRest();
  });
});
