import type { Archive } from './archive.js';
import type { Bucket } from './bucket.js';
import { requireNumber } from './numbers.js';
import { TokenBucket } from './token-bucket.js';

/** How a {@link PrepaidBucket} shares a rate limit with the same bucket of other processes. */
export interface PrepaidBucketOptions {
  /** Tokens per second of all processes together, 0 or more. */
  readonly refillPerSecond: number;
  /** Capacity of all processes together, in tokens, above 0. */
  readonly burst: number;
  /** Part of its share of the rate that a process lives on while the ledger is away, above 0 up to 1. Default 1. */
  readonly awayFactor?: number | undefined;
  /** Processes that share the bucket as far as is known, at least 1. */
  readonly sharers: () => number;
  /** The ledger has to hear of the bucket: with the next batch, or, where it has run low, at once. */
  readonly onNews: (bucket: PrepaidBucket, urgent: boolean) => void;
}

/** What the ledger is told of one process. */
export interface TokenReport {
  /** Counts the reports, so that one that arrives late changes nothing. */
  readonly sequence: number;
  /** Tokens spent since the process began. */
  readonly spent: number;
  /** As much of {@link spent} as the ledger is known to have heard of. */
  readonly acknowledged: number;
  /** Prepaid tokens that are left. */
  readonly held: number;
  /** Tokens that are wanted on top of them. */
  readonly want: number;
  /** Whether the ledger has answered this process before: if it does not know the bucket now, it has lost it. */
  readonly known: boolean;
  /** Whether the process has lived on its share meanwhile. */
  readonly away: boolean;
}

/** What the ledger answers. */
export interface TokenReply {
  /** Tokens that are prepaid with this. */
  readonly granted: number;
  /** Tokens that are left for whoever asks next; below 0 where more was spent than there was. */
  readonly level: number;
}

/** Without a request for so long, everything that is prepaid is given back. */
const IDLE_MS = 1_000;
/** What is prepaid lasts so long at the present demand, which is averaged over about as long. */
const AHEAD_MS = 200;
/** The ledger hears of a bucket in use at least about this often. */
const RHYTHM_MS = 50;
/** What is prepaid is renewed this often even if nothing happens to it; see {@link TOKEN_LEASE_MS}. */
const RENEW_MS = 1_500;
/** How long the ledger keeps what is prepaid for a process of which it hears nothing. */
export const TOKEN_LEASE_MS = 5_000;

/**
 * One process's part of a token bucket that many processes share: tokens are prepaid in batches from a ledger, so that
 * a decision needs nobody's answer.
 *
 * **Bound.** What is prepaid has left the ledger and counts against the capacity there, so in any time T the processes
 * together admit at most `refillPerSecond x T + burst`, and what they spend on credit besides. Credit is what a process
 * has that asked for nothing lately: its share of the burst, or of the level where that is less; the ledger hears of it
 * at once. So with N processes the bound is R x T + B + N x n, with n = B / N. Prepaid batches rather than leases of a
 * rate, because their bound holds whatever the demand does: Envoy's RLQS and Doorman lease.
 *
 * **Away.** While the ledger does not answer, the process lives on its share of the rate, and begins with what it holds.
 *
 * Reports carry running totals, so that one that was lost, or was never answered, is made good by the next. Pure:
 * instants are arguments; what is to be said is asked for ({@link report}) and answered ({@link settle}).
 */
export class PrepaidBucket implements Bucket {
  readonly refillPerSecond: number;
  readonly burst: number;
  readonly #options: PrepaidBucketOptions;
  /** Lived on while nothing is prepaid: on credit, or because the ledger is away. */
  #share: TokenBucket | undefined;
  #away = false;
  /** The ledger had less than was wanted. */
  #dry = false;
  #held = 0;
  #spent = 0;
  #acknowledged = 0;
  #sequence = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #level: number;
  #levelAtMs = 0;
  #demandPerMs = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  /** A full bucket. @throws RangeError when a rate or a burst is out of range. */
  constructor(options: PrepaidBucketOptions) {
    this.refillPerSecond = requireNumber('refillPerSecond', options.refillPerSecond, { min: 0 });
    this.burst = requireNumber('burst', options.burst);
    this.#options = options;
    this.#level = this.burst;
    this.#share = this.#newShare(1);
  }

  /** Prepaid tokens that are left; none while it lives on its share. */
  get held(): number {
    return this.#held;
  }

  /** Whether the ledger is away. */
  get away(): boolean {
    return this.#away;
  }

  /** Whether the ledger has to hear nothing more of it before the next request. */
  get quiet(): boolean {
    return this.#share !== undefined && !this.#away && this.#spent === this.#acknowledged;
  }

  tokens(nowMs: number): number {
    if (this.#share !== undefined) return this.#share.tokens(nowMs);
    return Math.min(this.burst, this.#held + Math.max(0, this.#levelAt(nowMs)));
  }

  canTake(nowMs: number, cost: number, spare: number = 0): boolean {
    if (this.#share !== undefined) return this.#share.canTake(nowMs, cost, spare / this.#sharers);
    return this.#held >= cost && (spare === 0 || this.tokens(nowMs) >= cost + spare);
  }

  take(nowMs: number, cost: number): boolean {
    const taken = this.#share?.take(nowMs, cost) ?? this.#held >= cost;
    if (taken) this.#spent += cost;
    if (taken && this.#share === undefined) this.#held -= cost;
    this.#asked(nowMs, cost);
    return taken;
  }

  miss(nowMs: number, cost: number): void {
    this.#asked(nowMs, cost);
  }

  refund(nowMs: number, cost: number): void {
    this.#spent -= cost;
    if (this.#share === undefined) this.#held += cost;
    else this.#share.refund(nowMs, cost);
    this.#options.onNews(this, false);
  }

  msUntil(nowMs: number, cost: number): number {
    if (cost > this.burst) return Number.POSITIVE_INFINITY;
    if (this.#share !== undefined && cost <= this.#share.burst) return this.#share.msUntil(nowMs, cost);
    if (this.#held >= cost) return 0;
    const lacking = Math.max(0, cost - this.#held - this.#levelAt(nowMs));
    // Even what is there has to be fetched.
    return lacking === 0 ? 1 : 1 + (lacking * 1_000) / this.refillPerSecond;
  }

  isFull(nowMs: number): boolean {
    return this.quiet && this.#share?.isFull(nowMs) === true;
  }

  /** What the ledger is to be told at this instant; `undefined` when there is nothing new. */
  report(nowMs: number): TokenReport | undefined {
    const idle = nowMs - this.#askedAtMs > IDLE_MS;
    const target = idle ? 0 : Math.ceil(this.#target);
    if (this.#held > 2 * target) this.#held = target;
    const held = this.#away ? Math.floor(this.#share?.tokens(nowMs) ?? 0) : this.#held;
    const want = Math.max(0, target - Math.ceil(held));
    const due = idle || nowMs - this.#reportedAtMs >= RENEW_MS;
    if (!due && !this.#away && want === 0 && this.#spent === this.#acknowledged) return undefined;
    return this.#say(nowMs, held, want);
  }

  /** What the ledger is to be told at the end: everything that is prepaid goes back. */
  leave(nowMs: number): TokenReport {
    this.#held = 0;
    return this.#say(nowMs, 0, 0);
  }

  /** The ledger answered a report. */
  settle(nowMs: number, report: TokenReport, { granted, level }: TokenReply): void {
    // On its share it may since have spent more than it held: that is taken off what was granted.
    const before = this.#share === undefined ? this.#held : report.held - (this.#spent - report.spent);
    this.#held = Math.max(0, before + granted);
    this.#share = undefined;
    this.#away = false;
    this.#dry = granted < report.want;
    this.#acknowledged = report.spent;
    this.#reportedAtMs = nowMs;
    this.#level = level;
    this.#levelAtMs = nowMs;
    if (this.#held === 0 && report.want === 0) this.#share = this.#filledShare(1, level / this.#sharers, nowMs);
  }

  /** The ledger does not answer. */
  part(nowMs: number): void {
    if (this.#away) return;
    this.#share = this.#filledShare(this.#options.awayFactor ?? 1, this.#share?.tokens(nowMs) ?? this.#held, nowMs);
    this.#held = 0;
    this.#away = true;
  }

  /** Carries what it holds; see {@link Archive}. Instants of the demand are not carried: they only hasten reports. */
  archive(io: Archive): void {
    this.#held = io.number(this.#held);
    this.#spent = io.number(this.#spent);
    this.#acknowledged = io.number(this.#acknowledged);
    this.#level = io.number(this.#level);
    this.#levelAtMs = io.number(this.#levelAtMs);
    this.#away = io.flag(this.#away);
    const onShare = io.flag(this.#share !== undefined);
    if (io.loading) this.#share = onShare ? this.#newShare(1) : undefined;
    this.#share?.archive(io);
  }

  get #sharers(): number {
    return Math.max(1, this.#options.sharers());
  }

  /** As many prepaid tokens as it should have. */
  get #target(): number {
    return Math.min(this.burst, Math.max(1, this.burst / this.#sharers, this.#demandPerMs * AHEAD_MS));
  }

  #levelAt(nowMs: number): number {
    return Math.min(this.burst, this.#level + ((nowMs - this.#levelAtMs) * this.refillPerSecond) / 1_000);
  }

  #asked(nowMs: number, cost: number): void {
    const quietMs = Math.max(0, nowMs - this.#askedAtMs);
    this.#demandPerMs = this.#demandPerMs * Math.exp(-quietMs / AHEAD_MS) + cost / AHEAD_MS;
    this.#askedAtMs = Math.max(nowMs, this.#askedAtMs);
    const low = this.#share !== undefined || this.#held * 4 < this.#target;
    // Where nothing is left the next batch is as soon as another question, unless it would overflow before that.
    const hurry = !this.#dry || this.burst * 1_000 < this.refillPerSecond * RHYTHM_MS;
    this.#options.onNews(this, low && hurry && !this.#away);
  }

  #say(nowMs: number, held: number, want: number): TokenReport {
    const [spent, acknowledged, away] = [this.#spent, this.#acknowledged, this.#away];
    // A ledger forgets what has been full again for long: not knowing that, it has lost nothing.
    const known = nowMs - this.#reportedAtMs < TOKEN_LEASE_MS + (this.burst * 1_000) / this.refillPerSecond;
    this.#sequence += 1;
    return { sequence: this.#sequence, spent, acknowledged, held, want, known, away };
  }

  #newShare(factor: number): TokenBucket {
    const sharers = this.#sharers;
    return new TokenBucket((this.refillPerSecond * factor) / sharers, Math.max(1, this.burst / sharers));
  }

  #filledShare(factor: number, tokens: number, nowMs: number): TokenBucket {
    const share = this.#newShare(factor);
    share.take(nowMs, Math.min(share.burst, Math.max(0, share.burst - tokens)));
    return share;
  }
}
