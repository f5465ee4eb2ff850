import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, { type Express } from 'express';
import { createGateway, type Gateway } from 'sluice';
import { protect } from 'sluice/express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { busyParts, expectBalanced, type Latch, LogBook, latch } from '../http/harness.js';
import { until } from '../pools/pool-fixture.js';
import { JumpClock } from './jump-clock.js';
import { watchLoop } from './loop-gaps.js';

const CROWD = 50_000;
const LONGEST_TURN_MS = 50;
const DEADLINE_MS = 600_000;

let clock: JumpClock;
let gateway: Gateway;
let app: Express;
/** How many were answered, by status. */
let answered: Map<number, number>;
let hold: Latch;
let holder: Promise<void>;

beforeEach(async () => {
  clock = new JumpClock();
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      routes: {
        narrow: { concurrency: 1, deadlineMs: DEADLINE_MS, maxQueued: CROWD, ratePerSecond: 1, burst: CROWD + 1 },
      },
    },
    { env: {}, logger: new LogBook(), clock },
  );
  app = express();
  app.get('/narrow', protect(gateway, 'narrow'), (_req, res) => res.json({}));
  answered = new Map();
  countAnswers(app);
  hold = latch();
  // Its time may be over before it is let go.
  holder = gateway.run('narrow', () => hold.promise).catch(() => undefined);
});
afterEach(async () => {
  hold.open();
  await holder;
  expect(busyParts(gateway)).toEqual([]);
  expectBalanced(stats(), 'narrow');
  await gateway.drain({ timeoutMs: 0 });
});

const stats = () => gateway.entry('narrow').runtime.stats;
const queued = (): number => gateway.entry('narrow').runtime.queued;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts answers as they end, and keeps none: to move a crowd about in memory would be a stall of its own. */
function countAnswers(of: Express): void {
  const { end } = ServerResponse.prototype;
  of.response.end = function counted(this: ServerResponse, ...args: unknown[]) {
    if (!this.writableEnded) answered.set(this.statusCode, (answered.get(this.statusCode) ?? 0) + 1);
    return Reflect.apply(end, this, args);
  };
}

/** A request on its way through the application, without a connection: everything else is real. */
function request(): void {
  const req = new IncomingMessage(NOWHERE);
  req.method = 'GET';
  req.url = '/narrow';
  app(req, new ServerResponse(req));
}

const NOWHERE = new Socket();

/** Fills the queue over many turns. */
async function gather(one: () => void, size = CROWD): Promise<void> {
  for (let sent = 0; sent < size; sent += 200) {
    for (let batch = 0; batch < 200; batch++) one();
    await nextTurn();
  }
  expect(queued()).toBe(size);
}

// Noise of the machine and of the garbage collector only lengthens a turn, so one calm attempt of three proves it.
// What is looked at are turns of the loop: how long all of it takes is the machine's.
describe('50,000 queued requests', { retry: 2 }, () => {
  it('that expire together do not stall the loop', async () => {
    await gather(request);
    const loop = watchLoop();
    clock.jump(DEADLINE_MS);
    await until(() => queued() === 0);
    await nextTurn();
    loop.stop();
    expect([...answered]).toEqual([[503, CROWD]]);
    expect(stats().shedByCode.deadline_expired).toBe(CROWD);
    expect(loop.longestMs()).toBeLessThan(LONGEST_TURN_MS);
  });

  it('that expire together as work outside HTTP do not stall it either', async () => {
    let refused = 0;
    const run = (): void => {
      gateway
        .run('narrow', async () => undefined)
        .catch(() => {
          refused += 1;
        });
    };
    await gather(run);
    const loop = watchLoop();
    clock.jump(DEADLINE_MS);
    await until(() => refused === CROWD);
    loop.stop();
    expect(loop.longestMs()).toBeLessThan(LONGEST_TURN_MS);
  });

  it('that are shed because an outage lasts do not stall it', async () => {
    const { gate } = gateway.entry('narrow').runtime;
    await gather(request);
    const loop = watchLoop();
    gate?.down(clock.nowMs());
    await until(() => queued() === 0);
    await nextTurn();
    loop.stop();
    expect([...answered]).toEqual([[503, CROWD]]);
    expect(stats().shedByCode.database_unavailable).toBe(CROWD);
    expect(loop.longestMs()).toBeLessThan(LONGEST_TURN_MS);
    gate?.up(clock.nowMs());
  });

  it('that are shed at the end of a drain do not stall it, and each is answered', async () => {
    await gather(request);
    const loop = watchLoop();
    const drained = gateway.drain({ timeoutMs: 50 });
    await drained;
    loop.stop();
    expect([...answered]).toEqual([[503, CROWD]]);
    expect(stats().shedByCode.draining).toBe(CROWD);
    expect(loop.longestMs()).toBeLessThan(LONGEST_TURN_MS);
  });

  it('(control: a fifth of them would, shed in one turn)', async () => {
    await gather(request, CROWD / 5);
    const { bulkhead } = gateway.entry('narrow').runtime.gate ?? {};
    const loop = watchLoop();
    await nextTurn();
    const nowMs = clock.nowMs();
    for (let ticket = bulkhead?.anyQueued(); ticket !== undefined; ticket = bulkhead?.anyQueued()) {
      bulkhead?.withdraw(nowMs, ticket);
      ticket.owner.onShed(nowMs, { code: 'draining', status: 503, outcome: 'not_started', detail: 'control' });
    }
    await nextTurn();
    await nextTurn();
    loop.stop();
    expect(loop.longestMs()).toBeGreaterThan(LONGEST_TURN_MS);
  });
});

it('20,000 queued requests that are served do not stall the loop when each ends at once', { retry: 2 }, async () => {
  await gather(request, 20_000);
  const loop = watchLoop();
  hold.open();
  await until(() => stats().admitted === 20_000 + 1);
  await nextTurn();
  loop.stop();
  expect([...answered]).toEqual([[200, 20_000]]);
  expect(loop.longestMs()).toBeLessThan(LONGEST_TURN_MS);
});
