import { createGateway } from 'sluice';
import { ClassQueue } from '../../../src/core/class-queue.js';
import { type RouteLoad, Ticket } from '../../../src/core/ticket.js';
import type { RequestWork } from '../../../src/gateway/request-work.js';
import type { RouteEntry } from '../../../src/gateway/route-entry.js';
import type { WorkHost } from '../../../src/gateway/work-contract.js';
import { simulate } from '../../../src/simulator/simulate.js';
import { GATEWAY, steady } from '../../support/workloads.js';
import { bytesEach, type MicroCase, nanoseconds } from './measure.js';

const QUEUED = 10_000;
const KEPT = 50_000;
/** Many, so that the predicted wait of so long a line stays within the queue's bound on work. */
const SEATS = 64;
/** The highest bucket that the configuration allows: 25 ms of the quickest loop do not empty it. */
const WIDE = { ratePerSecond: 1_000_000, burst: 10_000_000 };
/** Longer than the bench: nothing here may end by its deadline, although these loops hold the process for long. */
const HOUR_MS = 3_600_000;

/** Stands where the HTTP response stands; an object of its own for each request, as there. */
class Caller implements WorkHost {
  proceed(): void {}
  refuse(): void {}
  expire(): void {}
  streaming(): boolean {
    return false;
  }
}

/** All cases, on one gateway. They take the whole way through the engine: only Express and the database are missing. */
export async function microCases(): Promise<MicroCase[]> {
  const critical = { priority: 'critical', deadlineMs: HOUR_MS, ...WIDE } as const;
  const gateway = await createGateway(
    {
      routes: {
        open: { ...critical, concurrency: 16 },
        dry: { ...critical, concurrency: 16, ratePerSecond: 0.001, burst: 1 },
        full: { ...critical, concurrency: 1, maxQueued: 0 },
        line: { ...critical, concurrency: SEATS, maxQueued: 2 * QUEUED },
        crowd: { ...critical, concurrency: 1, maxQueued: KEPT },
      },
    },
    { env: {} },
  );
  for (const route of ['dry', 'full', 'crowd'] as const) takeSeat(gateway.entry(route));
  return [
    {
      name: 'admit + release',
      unit: 'ns',
      bound: 1_000,
      sample: nanoseconds(() => admitAndRelease(gateway.entry('open'))),
    },
    {
      name: 'shed before the body: queue full',
      unit: 'ns',
      bound: 500,
      sample: nanoseconds(() => shed(gateway.entry('full'))),
    },
    {
      name: 'shed after the body: bucket empty',
      unit: 'ns',
      bound: 500,
      sample: nanoseconds(() => shedByBucket(gateway.entry('dry'))),
    },
    { name: `put + take in the class queue, ${QUEUED} queued`, unit: 'ns', sample: nanoseconds(putAndTake) },
    {
      name: `queue + dispatch + release, ${QUEUED} queued`,
      unit: 'ns',
      sample: nanoseconds(standInLine(gateway.entry('line'))),
    },
    { name: 'a simulated request, at 4 times the capacity', unit: 'ns', bound: 5_000, sample: simulated },
    {
      name: 'a queued request',
      unit: 'bytes',
      bound: 1_024,
      sample: bytesEach(KEPT, (count) => enqueue(gateway.entry('crowd'), count), leave),
    },
  ];
}

/** Nanoseconds of a request in the simulator, by the way and the policy of every simulation. */
function simulated(): number {
  const scenario = { ...steady(4), durationMs: 60_000, seeds: [1] };
  const startedMs = performance.now();
  const { calls } = simulate({ scenario, gateway: GATEWAY }).report;
  return ((performance.now() - startedMs) * 1e6) / calls;
}

function takeSeat(entry: RouteEntry, nowMs: number = performance.now()): RequestWork {
  const work = entry.classify(nowMs, new Caller(), {});
  if (work.enter(nowMs) !== 'leased') throw new Error('the first seat is not free');
  return work;
}

function admitAndRelease(entry: RouteEntry): () => void {
  return () => {
    const nowMs = performance.now();
    const work = entry.classify(nowMs, new Caller(), {});
    if (entry.preflight(nowMs, work) !== undefined) throw new Error('a free seat was refused');
    if (work.enter(nowMs) !== 'leased') throw new Error('a free seat was not given');
    work.complete(performance.now(), 'succeeded');
  };
}

function shed(entry: RouteEntry): () => void {
  return () => {
    const nowMs = performance.now();
    if (entry.preflight(nowMs, entry.classify(nowMs, new Caller(), {})) === undefined) throw new Error('not shed');
  };
}

function shedByBucket(entry: RouteEntry): () => void {
  return () => {
    const nowMs = performance.now();
    const work = entry.classify(nowMs, new Caller(), {});
    if (entry.preflight(nowMs, work) !== undefined || typeof work.enter(nowMs) === 'string')
      throw new Error('not shed');
  };
}

function putAndTake(): () => void {
  const times = { p50: () => 0, p90: () => 0, meanMs: () => 0, tookSince: () => Number.POSITIVE_INFINITY };
  const route: RouteLoad = { name: 'a', deadlineMs: 500, maxQueued: QUEUED, times, queued: 0, lastLeaseMs: 0 };
  const queue = new ClassQueue<Ticket>();
  const put = (): void => queue.put(new Ticket(undefined, route, 0, 0, 500));
  for (let count = 0; count < QUEUED; count += 1) put();
  return () => {
    put();
    const oldest = queue.oldest(0);
    if (oldest === undefined || !queue.remove(oldest)) throw new Error('the queue ran empty');
  };
}

/**
 * One request comes, the one that ran longest ends, and the oldest of the line gets its seat. Time stands still here:
 * seats that are held between two samples would otherwise teach the queue that work is slow, and it would refuse.
 */
function standInLine(entry: RouteEntry): () => () => void {
  const nowMs = performance.now();
  // The first SEATS of these run, the others wait.
  const line = Array.from({ length: SEATS }, () => takeSeat(entry, nowMs));
  let done = 0;
  return () => {
    while (line.length - done < SEATS + QUEUED) line.push(...enqueue(entry, 1, nowMs));
    return () => {
      line.push(...enqueue(entry, 1, nowMs));
      line[done]?.complete(nowMs, 'succeeded');
      if (line[done + SEATS]?.ticket.state !== 'leased') throw new Error('the freed seat was not handed on');
      done += 1;
      if (done < QUEUED) return;
      line.splice(0, done);
      done = 0;
    };
  };
}

function enqueue(entry: RouteEntry, count: number, nowMs: number = performance.now()): RequestWork[] {
  return Array.from({ length: count }, () => {
    const work = entry.classify(nowMs, new Caller(), {});
    if (work.enter(nowMs) !== 'queued') throw new Error('not queued');
    return work;
  });
}

function leave(works: readonly RequestWork[]): void {
  for (const work of works) work.clientGone(performance.now());
}
