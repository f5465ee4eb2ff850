import type { Clock, Timer } from '../clock.js';
import type { PrepaidBucket } from '../core/prepaid-bucket.js';
import type { TokenReport } from '../core/token-report.js';
import { isReply } from './redis-trouble.js';
import { type BucketEntry, TokenLedger, type TokenLedgerOptions } from './token-ledger.js';

/** What a {@link TokenSync} needs. */
export interface TokenSyncOptions extends TokenLedgerOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** About how often the ledger hears of what was spent, in ms; more often of a bucket that would overflow meanwhile. */
  readonly syncMs: number;
}

/** A bucket that runs low is not waited for longer than this. */
const URGENT_MS = 5;
/** Reports under way at once, however many callers there are. */
const MOST_REPORTS = 500;

/** While Redis is away, it is told no more often than this. */
const AWAY_RHYTHM_MS = 200;

interface Known {
  readonly entry: BucketEntry;
  /** The ledger hears of it with what is told from then on. */
  dueAtMs: number;
  underWay: boolean;
  /** Something was said to a Redis that is away, and is not answered yet. */
  unanswered: boolean;
}

/**
 * Keeps prepaid buckets in touch with their ledger in Redis. Its operations grow with processes, buckets in use and the
 * rhythm, never with requests: one report of a bucket is under way at a time, and the next at least 5 ms later.
 */
export class TokenSync {
  readonly #options: TokenSyncOptions;
  readonly #ledger: TokenLedger;
  readonly #buckets = new Map<PrepaidBucket, Known>();
  #timer: Timer | undefined;
  #nextAtMs = Number.POSITIVE_INFINITY;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #underWay = 0;
  /** Likewise, of those that were said to a Redis that is away. */
  #unanswered = 0;
  #reports = 0;
  #stopped = false;

  constructor(options: TokenSyncOptions) {
    this.#options = options;
    this.#ledger = new TokenLedger(options);
  }

  /** Reports that were sent so far. */
  get reports(): number {
    return this.#reports;
  }

  /** A bucket has something to say. Cheap: it is on the path of every request. */
  news(entry: BucketEntry, bucket: PrepaidBucket, urgent: boolean): void {
    if (this.#stopped) return;
    const known = this.#buckets.get(bucket) ?? this.#meet(entry, bucket);
    if (urgent) {
      known.dueAtMs = Number.NEGATIVE_INFINITY;
      this.#arm(this.#lastAtMs + URGENT_MS);
    } else if (this.#timer === undefined) this.#armNext();
  }

  /**
   * Asks the ledger what these buckets have, before anybody asks them. Resolves when it has answered, or is away; never
   * rejects.
   */
  async learn(buckets: ReadonlyMap<PrepaidBucket, BucketEntry>): Promise<void> {
    if (this.#stopped || !this.#options.link.up) return;
    const nowMs = this.#options.clock.nowMs();
    const asked = [...buckets].map(([bucket, entry]) =>
      this.#tell(nowMs, bucket, this.#buckets.get(bucket) ?? this.#meet(entry, bucket)),
    );
    this.#armNext();
    await Promise.all(asked);
  }

  /** Redis is there again, or gone: everybody hears of it. */
  linkChanged(up: boolean): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [bucket, known] of this.#buckets) {
      if (up) known.dueAtMs = nowMs;
      else bucket.part(nowMs);
    }
    if (up) this.#arm(nowMs);
  }

  /** Gives back what is prepaid, as far as Redis answers. Nothing is said after that. Never rejects. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    const nowMs = this.#options.clock.nowMs();
    const farewells = [...this.#buckets].map(([bucket, { entry }]) =>
      this.#ledger.ask(entry, bucket, bucket.leave(nowMs)),
    );
    this.#buckets.clear();
    await Promise.allSettled(farewells);
  }

  #meet(entry: BucketEntry, bucket: PrepaidBucket): Known {
    const { clock, link } = this.#options;
    const nowMs = clock.nowMs();
    const known = { entry, dueAtMs: nowMs + 0.75 * this.#rhythmMs(bucket), underWay: false, unanswered: false };
    this.#buckets.set(bucket, known);
    if (!link.up) bucket.part(nowMs);
    return known;
  }

  /** About how often the ledger hears of this bucket, while it is in use, in ms. */
  #rhythmMs(bucket: PrepaidBucket): number {
    const { link, syncMs } = this.#options;
    return link.up ? Math.min(syncMs, Math.max(URGENT_MS, bucket.patienceMs)) : Math.max(syncMs, AWAY_RHYTHM_MS);
  }

  /** At about the time that those who are due first may wait for: who is due then as well is told of together. */
  #armNext(): void {
    let atMs = Number.POSITIVE_INFINITY;
    const { random } = this.#options;
    const part = random() / 2;
    for (const [bucket, { dueAtMs }] of this.#buckets)
      atMs = Math.min(atMs, dueAtMs + (dueAtMs > this.#lastAtMs ? part * this.#rhythmMs(bucket) : 0));
    if (atMs < Number.POSITIVE_INFINITY) this.#arm(Math.max(atMs, this.#lastAtMs + URGENT_MS));
  }

  #arm(atMs: number): void {
    if (this.#timer !== undefined && this.#nextAtMs <= atMs) return;
    const { clock } = this.#options;
    this.#timer?.cancel();
    const nowMs = clock.nowMs();
    this.#nextAtMs = Math.max(nowMs, atMs);
    this.#timer = clock.after(this.#nextAtMs - nowMs, () => this.#sync());
  }

  #sync(): void {
    const { clock, link } = this.#options;
    const nowMs = clock.nowMs();
    this.#timer = undefined;
    this.#lastAtMs = nowMs;
    for (const [bucket, known] of this.#buckets) {
      if (bucket.quiet) this.#buckets.delete(bucket);
      // Who finds no room is due still.
      else if (known.dueAtMs > nowMs || (link.up && this.#underWay >= MOST_REPORTS)) continue;
      else {
        known.dueAtMs = nowMs + 0.75 * this.#rhythmMs(bucket);
        if (link.up) void this.#tell(nowMs, bucket, known);
        else if (link.connected) void this.#tellAway(nowMs, bucket, known);
      }
    }
    if (!this.#stopped) this.#armNext();
  }

  /** Never rejects. */
  async #tell(nowMs: number, bucket: PrepaidBucket, known: Known): Promise<void> {
    const report = known.underWay ? undefined : bucket.report(nowMs);
    if (report === undefined) return;
    known.underWay = true;
    this.#underWay += 1;
    this.#reports += 1;
    await this.#exchange(known, bucket, report);
  }

  /** A Redis that is slow hears what is spent meanwhile, so that others do not spend it as well. */
  async #tellAway(nowMs: number, bucket: PrepaidBucket, known: Known): Promise<void> {
    if (known.underWay || known.unanswered || this.#unanswered >= MOST_REPORTS) return;
    const report = bucket.report(nowMs);
    if (report === undefined) return;
    known.unanswered = true;
    this.#unanswered += 1;
    this.#reports += 1;
    try {
      await this.#ledger.tell(known.entry, bucket, report);
    } catch (error) {
      // It is said again with the next report.
      if (isReply(error)) bucket.refused(report);
    } finally {
      known.unanswered = false;
      this.#unanswered -= 1;
    }
  }

  async #exchange(known: Known, bucket: PrepaidBucket, report: TokenReport): Promise<void> {
    const { clock } = this.#options;
    try {
      const reply = await this.#ledger.ask(known.entry, bucket, report);
      bucket.settle(clock.nowMs(), report, reply);
    } catch (error) {
      if (isReply(error)) bucket.refused(report);
      // The link tells the others. What was not acknowledged is said again with the next report.
      bucket.part(clock.nowMs());
    } finally {
      known.underWay = false;
      this.#underWay -= 1;
    }
  }
}
