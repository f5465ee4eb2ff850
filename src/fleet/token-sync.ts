import type { Clock, Timer } from '../clock.js';
import type { PrepaidBucket } from '../core/prepaid-bucket.js';
import { TOKEN_LEASE_MS, type TokenReply, type TokenReport } from '../core/token-report.js';
import { LONG_MS, type RedisLink } from './redis-link.js';
import { TOKEN_SCRIPT, TOKEN_SCRIPT_SHA } from './token-script.js';

/** What a {@link TokenSync} needs. */
export interface TokenSyncOptions {
  readonly link: RedisLink;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Prefix of all keys of the fleet. */
  readonly prefix: string;
  /** About how often the ledger hears of what was spent, in ms. */
  readonly syncMs: number;
  /** Another process of the fleet has a lower rate or burst for the bucket of this key, which holds. */
  readonly onStricter: (key: string, refillPerSecond: number, burst: number) => void;
}

/** Where one part of a shared bucket is told of. */
export interface BucketEntry {
  /** Names the bucket in Redis. */
  readonly key: string;
  /**
   * Names this part in the ledger; unique in the fleet, also where one that was forgotten is made anew: its totals begin
   * at 0 again, and the ledger may still hold those of before.
   */
  readonly id: string;
}

/** A bucket that runs low is not waited for longer than this. */
const URGENT_MS = 5;
/** Reports under way at once, however many callers there are. */
const MOST_REPORTS = 500;

/** While Redis is away, it is told no more often than this. */
const AWAY_RHYTHM_MS = 200;

interface Known {
  readonly entry: BucketEntry;
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
  }

  /** Reports that were sent so far. */
  get reports(): number {
    return this.#reports;
  }

  /** A bucket has something to say. Cheap: it is on the path of every request. */
  news(entry: BucketEntry, bucket: PrepaidBucket, urgent: boolean): void {
    if (this.#stopped) return;
    if (!this.#buckets.has(bucket)) {
      this.#buckets.set(bucket, { entry, underWay: false, unanswered: false });
      if (!this.#options.link.up) bucket.part(this.#options.clock.nowMs());
    }
    if (urgent || this.#timer === undefined) this.#arm(urgent);
  }

  /** Redis is there again, or gone: everybody hears of it. */
  linkChanged(up: boolean): void {
    if (up) return this.#arm(true);
    const nowMs = this.#options.clock.nowMs();
    for (const bucket of this.#buckets.keys()) bucket.part(nowMs);
  }

  /** Gives back what is prepaid, as far as Redis answers. Nothing is said after that. Never rejects. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    const nowMs = this.#options.clock.nowMs();
    const farewells = [...this.#buckets].map(([bucket, { entry }]) => this.#send(entry, bucket, bucket.leave(nowMs)));
    this.#buckets.clear();
    await Promise.allSettled(farewells);
  }

  #arm(urgent: boolean): void {
    const { clock, syncMs, random } = this.#options;
    const nowMs = clock.nowMs();
    const rhythmMs = this.#options.link.up ? syncMs : Math.max(syncMs, AWAY_RHYTHM_MS);
    const delayMs = urgent ? Math.max(0, this.#lastAtMs + URGENT_MS - nowMs) : rhythmMs * (0.75 + random() / 2);
    if (this.#timer !== undefined && this.#nextAtMs <= nowMs + delayMs) return;
    this.#timer?.cancel();
    this.#nextAtMs = nowMs + delayMs;
    this.#timer = clock.after(delayMs, () => this.#sync());
  }

  #sync(): void {
    const { clock, link } = this.#options;
    const nowMs = clock.nowMs();
    this.#timer = undefined;
    this.#lastAtMs = nowMs;
    for (const [bucket, known] of this.#buckets) {
      if (bucket.quiet) this.#buckets.delete(bucket);
      else if (known.underWay || this.#underWay >= MOST_REPORTS) continue;
      else if (link.up) this.#tell(nowMs, bucket, known);
      else if (link.connected && !known.unanswered && this.#unanswered < MOST_REPORTS) {
        void this.#tellAway(nowMs, bucket, known);
      }
    }
    if (!this.#stopped && this.#buckets.size > 0) this.#arm(false);
  }

  #tell(nowMs: number, bucket: PrepaidBucket, known: Known): void {
    const report = bucket.report(nowMs);
    if (report === undefined) return;
    known.underWay = true;
    this.#underWay += 1;
    this.#reports += 1;
    void this.#exchange(known, bucket, report);
  }

  /** A Redis that is slow hears what is spent meanwhile, so that others do not spend it as well. */
  async #tellAway(nowMs: number, bucket: PrepaidBucket, known: Known): Promise<void> {
    const report = bucket.report(nowMs);
    if (report === undefined) return;
    known.unanswered = true;
    this.#unanswered += 1;
    this.#reports += 1;
    try {
      await this.#options.link.tell(SCRIPT, ...this.#saying(known.entry, bucket, report));
    } catch {
      // It is said again with the next report.
    } finally {
      known.unanswered = false;
      this.#unanswered -= 1;
    }
  }

  async #exchange(known: Known, bucket: PrepaidBucket, report: TokenReport): Promise<void> {
    const { clock, onStricter } = this.#options;
    const { refillPerSecond, burst } = bucket;
    try {
      const reply = await this.#send(known.entry, bucket, report);
      bucket.settle(clock.nowMs(), report, reply);
      const stricter = reply.refillPerSecond < refillPerSecond || reply.burst < burst;
      if (stricter) onStricter(known.entry.key, reply.refillPerSecond, reply.burst);
    } catch {
      // The link tells the others. What was not acknowledged is said again with the next report.
      bucket.part(clock.nowMs());
    } finally {
      known.underWay = false;
      this.#underWay -= 1;
    }
  }

  async #send(entry: BucketEntry, bucket: PrepaidBucket, report: TokenReport): Promise<Reply> {
    return readReply(await this.#options.link.run(SCRIPT, ...this.#saying(entry, bucket, report)));
  }

  /** The key in Redis, and what is said. */
  #saying(
    { key, id }: BucketEntry,
    { refillPerSecond, burst }: PrepaidBucket,
    report: TokenReport,
  ): [string, (string | number)[]] {
    const { sequence, spent, acknowledged, held, want, known, away, sinceMs } = report;
    const figures = [
      sequence,
      spent,
      acknowledged,
      held,
      want,
      Number(known),
      Number(away),
      Math.min(sinceMs, LONG_MS),
    ];
    // Braces: a key hashes to the slot of what is between the first two, so they must not be missing.
    const name = `${this.#options.prefix}{${key}}`;
    return [name, [id, refillPerSecond, burst, TOKEN_LEASE_MS, ...figures]];
  }
}

const SCRIPT = { text: TOKEN_SCRIPT, sha: TOKEN_SCRIPT_SHA };

/** A reply with the rate and the burst in force, the least of all processes. */
interface Reply extends TokenReply {
  readonly refillPerSecond: number;
  readonly burst: number;
}

function readReply(answer: unknown): Reply {
  const numbers = Array.isArray(answer) ? answer.map(Number) : [];
  const [granted, level, refillPerSecond, burst, others] = numbers;
  if (granted === undefined || level === undefined || refillPerSecond === undefined)
    throw new Error('the ledger of tokens answered what is no answer');
  if (burst === undefined || others === undefined) throw new Error('the ledger of tokens answered what is no answer');
  return { granted, level, refillPerSecond, burst, others };
}
