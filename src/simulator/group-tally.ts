import type { ErrorCode, Refusal } from '../errors.js';
import type { Call, Ending } from './call.js';
import { Percentiles } from './percentiles.js';

/** What became of the calls of one route, or of several. */
export class GroupTally {
  offered = 0;
  /** First attempts among those offered. */
  firsts = 0;
  /** Whose service alone fits into the time that they were given: more can nobody answer in time. */
  feasible = 0;
  /** What was asked for and what was held, in seat-milliseconds. */
  demandMs = 0;
  heldMs = 0;
  usefulMs = 0;
  readonly endings: Record<Ending, number> = { good: 0, late: 0, shed: 0, left: 0, lost: 0 };
  readonly latency: Percentiles = new Percentiles();
  /** From arrival to refusal, of all and of those that were queued first. */
  readonly shed: Percentiles = new Percentiles();
  readonly shedFromQueue: Percentiles = new Percentiles();
  readonly shedBy: Map<ErrorCode, Percentiles> = new Map();

  /** A call arrives that asks for so many seat-milliseconds. */
  offer(call: Call, demandMs: number): void {
    this.offered++;
    if (call.attempt === 1) this.firsts++;
    if (call.serviceMs <= call.ticket.allowedMs) this.feasible++;
    this.demandMs += demandMs;
  }

  /** A call ends. */
  end(call: Call, ending: Ending, nowMs: number, heldMs: number, refusal: Refusal | undefined): void {
    const tookMs = nowMs - call.arrivedAtMs;
    this.endings[ending]++;
    this.heldMs += heldMs * call.seats;
    if (ending === 'good') {
      this.usefulMs += heldMs * call.seats;
      this.latency.add(tookMs);
    }
    if (refusal === undefined) return;
    this.shed.add(tookMs);
    if (call.wasQueued) this.shedFromQueue.add(tookMs);
    let delays = this.shedBy.get(refusal.code);
    if (delays === undefined) {
      delays = new Percentiles();
      this.shedBy.set(refusal.code, delays);
    }
    delays.add(tookMs);
  }

  /** Adds what another counted. */
  merge(other: GroupTally): void {
    this.offered += other.offered;
    this.firsts += other.firsts;
    this.feasible += other.feasible;
    this.demandMs += other.demandMs;
    this.heldMs += other.heldMs;
    this.usefulMs += other.usefulMs;
    for (const ending of ['good', 'late', 'shed', 'left', 'lost'] as const)
      this.endings[ending] += other.endings[ending];
    this.latency.merge(other.latency);
    this.shed.merge(other.shed);
    this.shedFromQueue.merge(other.shedFromQueue);
    for (const [code, delays] of other.shedBy) {
      const own = this.shedBy.get(code) ?? new Percentiles();
      own.merge(delays);
      this.shedBy.set(code, own);
    }
  }
}
