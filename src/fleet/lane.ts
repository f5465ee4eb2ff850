import type { Clock, Timer } from '../clock.js';
import { LanePlaces, type LaneReply } from '../core/lane-places.js';
import type { Refusal } from '../errors.js';
import { LaneLedger, type LaneLedgerOptions } from './lane-ledger.js';
import { LANE_HEARTBEAT_MS } from './lane-script.js';

/** Somebody who waits for a place. Is told once, unless it withdraws before. */
export interface LaneWaiter {
  /** False: it is too late for it, and the place is the next one's. */
  onPlace(nowMs: number): boolean;
  onShed(nowMs: number, refusal: Refusal): void;
}

/** What a lane is made of. */
export interface LaneOptions extends LaneLedgerOptions {
  /** No place is held longer than this, in ms: the deadline of its route. */
  readonly holdMs: number;
  /** Instances as long as Redis has not told. */
  readonly instances: () => number;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** About how often Redis is asked while somebody waits, in ms. */
  readonly syncMs: number;
  /** Another instance has a lower bound, which holds. */
  readonly onStricter: (max: number) => void;
  /** Redis is away, and this instance has no part in the places, for there are fewer than instances. */
  readonly onClosed: (max: number, instances: number) => void;
}

/** How a lane stands at one instant. */
export interface LaneStatus {
  /** Places in the whole fleet. */
  readonly max: number;
  /** Places that this instance holds. */
  readonly inUse: number;
  /** Requests of this instance that wait for one. */
  readonly waiting: number;
  /** Whether this instance goes on with its own part of the places. */
  readonly degraded: boolean;
  /** Instances that share the places, as last heard; 0 before anything was. */
  readonly instances: number;
}

/** Two reports lie at least this far apart, in ms. */
const SPACING_MS = 5;

/**
 * A bound on the concurrent work of one route in the whole fleet. Places are leased from a ledger in Redis by instance,
 * not by request, so that its operations grow with instances and rhythm, and so that places of one that is killed come
 * back when its lease is over. Nobody waits for Redis: without its answer each instance has its own part.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #places: LanePlaces;
  readonly #ledger: LaneLedger;
  /** In the order of arrival. */
  readonly #waiting = new Set<LaneWaiter>();
  #timer: Timer | undefined;
  #nextAtMs = Number.POSITIVE_INFINITY;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #settling: Timer | undefined;
  #underWay = false;
  /** Something was said to a Redis that is away, and is not answered yet. */
  #unanswered = false;
  /** Something is to be told that the report under way does not say. */
  #unsaid = false;
  #stopped = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#places = new LanePlaces(options.max, options.instances, options.holdMs);
    this.#ledger = new LaneLedger(options);
    if (options.link.up) this.#places.meet();
    else this.#tellClosed();
    this.#arm(0);
  }

  get status(): LaneStatus {
    const { max, inUse, away, instances } = this.#places;
    return { max, inUse, waiting: this.#waiting.size, degraded: away, instances };
  }

  /**
   * How long a newcomer is likely to wait for a place, in ms, where one is held for `holdMs` in the mean. `Infinity`
   * where this instance has no part in the places while Redis is away.
   */
  predictedWaitMs(nowMs: number, holdMs: number): number {
    const places = this.#places;
    const ahead = this.#waiting.size + places.waitingElsewhere;
    if (ahead < places.free(nowMs)) return 0;
    const most = places.away ? places.awayMost(nowMs) : places.max;
    return most === 0 ? Number.POSITIVE_INFINITY : (holdMs * (ahead + 1)) / most;
  }

  /** Takes a place at once, or waits for one. True for a place. */
  enter(nowMs: number, waiter: LaneWaiter): boolean {
    if (this.#waiting.size === 0 && this.#places.take(nowMs)) return true;
    this.#waiting.add(waiter);
    this.#news();
    return false;
  }

  /** Waits no more. */
  withdraw(waiter: LaneWaiter): void {
    this.#waiting.delete(waiter);
  }

  /** Sheds all who wait. */
  shedAll(nowMs: number, refusal: Refusal): void {
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      waiter.onShed(nowMs, refusal);
    }
  }

  /** Gives a place back. */
  leave(nowMs: number): void {
    this.#places.release();
    if (this.#places.away) this.#serve(nowMs);
    this.#news();
  }

  /** Redis is there again, or gone. */
  linkChanged(up: boolean): void {
    if (up) return this.#arm(0);
    this.#part();
  }

  /** Takes this instance out of the ledger, as far as Redis answers. Never rejects. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    this.#settled();
    await this.#ledger.leave();
  }

  #news(): void {
    if (this.#options.link.up) this.#arm(this.#lastAtMs + SPACING_MS - this.#options.clock.nowMs());
  }

  #arm(delayMs: number): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const atMs = clock.nowMs() + Math.max(0, delayMs);
    if (this.#timer !== undefined && this.#nextAtMs <= atMs) return;
    this.#timer?.cancel();
    this.#nextAtMs = atMs;
    this.#timer = clock.after(Math.max(0, delayMs), () => {
      this.#timer = undefined;
      if (this.#underWay) this.#unsaid = true;
      else void this.#report();
    });
  }

  async #report(): Promise<void> {
    const { link, random, syncMs } = this.#options;
    if (link.up) await this.#exchange();
    else if (link.connected && !this.#unanswered) void this.#tellAway();
    const rhythmMs = (this.#waiting.size > 0 ? syncMs : LANE_HEARTBEAT_MS) * (0.75 + random() / 2);
    this.#arm(this.#unsaid ? SPACING_MS : rhythmMs);
  }

  async #exchange(): Promise<void> {
    const { clock, max, onStricter } = this.#options;
    this.#underWay = true;
    this.#unsaid = false;
    this.#lastAtMs = clock.nowMs();
    const report = this.#places.report(this.#lastAtMs, this.#waiting.size);
    try {
      const reply = await this.#ledger.ask(report);
      if (reply.max < max) onStricter(reply.max);
      this.#settle(reply, report.held);
    } catch {
      // The link tells why. The next report says again all that is held.
      this.#part();
    } finally {
      this.#underWay = false;
    }
  }

  /** A Redis that is slow hears what is held meanwhile, and tells what others hold. Nothing is asked for: it would come too late. */
  async #tellAway(): Promise<void> {
    const { clock } = this.#options;
    this.#unanswered = true;
    try {
      const reply = await this.#ledger.tell(this.#places.report(clock.nowMs(), 0));
      if (this.#places.hear(clock.nowMs(), reply)) this.#goOn();
    } catch {
      // It is said again with the next report.
    } finally {
      this.#unanswered = false;
    }
  }

  #settle(reply: LaneReply, reported: number): void {
    const nowMs = this.#options.clock.nowMs();
    this.#places.settle(reply);
    if (!this.#places.away) this.#settled();
    this.#serve(nowMs);
    // What nobody took, and what was given back meanwhile, others may need.
    if (this.#places.spare > 0 || this.#places.inUse < reported) this.#news();
  }

  #settled(): void {
    this.#settling?.cancel();
    this.#settling = undefined;
  }

  #part(): void {
    if (!this.#places.away) this.#tellClosed();
    this.#places.part(this.#options.clock.nowMs());
    this.#goOn();
  }

  /** Without Redis: serves from its own part, now and once what the others may hold besides must have ended. */
  #goOn(): void {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    this.#serve(nowMs);
    this.#settled();
    const settlesInMs = this.#places.settledAtMs - nowMs;
    if (this.#stopped || settlesInMs <= 0) return;
    // A timer may fire a little early, and nobody would look again.
    this.#settling = clock.after(Math.ceil(settlesInMs) + 1, () => {
      this.#settling = undefined;
      this.#serve(clock.nowMs());
    });
  }

  #tellClosed(): void {
    const { ownPart, max, instances } = this.#places;
    if (ownPart === 0) this.#options.onClosed(max, instances || this.#options.instances());
  }

  #serve(nowMs: number): void {
    for (const waiter of this.#waiting) {
      if (!this.#places.take(nowMs)) return;
      this.#waiting.delete(waiter);
      if (!waiter.onPlace(nowMs)) this.#places.putBack();
    }
  }
}
