import type { Archive } from './archive.js';
import type { Bucket } from './bucket.js';
import { LedgerLevel } from './ledger-level.js';
import { requireNumber } from './numbers.js';
import type { PrepaidBucketOptions } from './prepaid-options.js';
import { RecentDemand } from './recent-demand.js';
import { TokenBucket } from './token-bucket.js';
import { TOKEN_LEASE_MS, type TokenReply, type TokenReport } from './token-report.js';

/** What is prepaid lasts so long at the present demand, which is averaged over about as long. */
const AHEAD_MS = 200;
/** Tokens asked for in {@link AHEAD_MS} from which on some are prepaid: what one process keeps, the others lack. */
const BEGIN_DEMAND = 3;
/** Below it, what is prepaid is given back. */
const END_DEMAND = 0.5;
/** The ledger hears of a bucket in use at least about this often. */
const RHYTHM_MS = 50;
/** What is prepaid is renewed this often even if nothing happens to it; see {@link TOKEN_LEASE_MS}. */
const RENEW_MS = 1_500;
/**
 * One process's part of a token bucket that many processes share: tokens are prepaid in batches from a ledger, so that
 * a decision needs nobody's answer.
 *
 * **Bound.** What is prepaid has left the ledger and counts against the capacity there, so in any time T the processes
 * together admit at most `refillPerSecond x T + burst`, and what they spend on credit besides. Credit is what a process
 * has that asks for little: its share of the level, and one token where the level has one; the ledger hears of it at
 * once. So with N processes the bound is R x T + B + N x n, with n = B / N, at least 1. Prepaid batches rather than
 * leases of a rate, because their bound holds whatever the demand does: Envoy's RLQS and Doorman lease.
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
  /** What was taken on top of the share: it has to refill first. */
  #loaned = 0;
  #away = false;
  /** The ledger had less than was wanted. */
  #dry = false;
  #held = 0;
  #spent = 0;
  #acknowledged = 0;
  #sequence = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  readonly #ledger: LedgerLevel;
  /** Somebody was refused for what others need: that may have changed. */
  #curious = false;
  readonly #demand = new RecentDemand(AHEAD_MS);

  /** A full bucket. @throws RangeError when a rate or a burst is out of range. */
  constructor(options: PrepaidBucketOptions) {
    this.refillPerSecond = requireNumber('refillPerSecond', options.refillPerSecond, { min: 0 });
    this.burst = requireNumber('burst', options.burst);
    this.#options = options;
    this.#ledger = new LedgerLevel(options.refillPerSecond, options.burst);
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
    return this.#share !== undefined && !this.#away && !this.#curious && this.#spent === this.#acknowledged;
  }

  tokens(nowMs: number): number {
    if (this.#share !== undefined) return this.#own(nowMs);
    return Math.min(this.burst, this.#held + Math.max(0, this.#ledger.at(nowMs)));
  }

  /** @param spare - Tokens that all processes together have to have left; what they have prepaid counts. */
  canTake(nowMs: number, cost: number, spare: number = 0): boolean {
    const own = this.#own(nowMs);
    if (this.#away && this.#share !== undefined) {
      return own >= cost + Math.min(spare / this.#sharers, Math.max(0, this.#share.burst - cost));
    }
    return own >= cost && (spare === 0 || this.#everywhere(nowMs) >= cost + spare);
  }

  take(nowMs: number, cost: number): boolean {
    const taken = this.#own(nowMs) >= cost;
    if (taken) {
      this.#spent += cost;
      if (this.#share === undefined) this.#held -= cost;
      else this.#takeOnShare(nowMs, cost, this.#share);
    }
    this.#asked(nowMs, cost);
    return taken;
  }

  miss(nowMs: number, cost: number): void {
    if (this.#own(nowMs) < cost) return this.#asked(nowMs, cost);
    // Who may not take what is here does not need more of it.
    this.#curious = true;
    this.#options.onNews(this, false);
  }

  refund(nowMs: number, cost: number): void {
    this.#spent -= cost;
    if (this.#share === undefined) this.#held += cost;
    else this.#share.refund(nowMs, cost);
    this.#options.onNews(this, false);
  }

  msUntil(nowMs: number, cost: number, spare: number = 0): number {
    if (cost + spare > this.burst) return Number.POSITIVE_INFINITY;
    const sparedMs = spare === 0 || this.#away ? 0 : this.#ledger.refillMs(cost + spare - this.#everywhere(nowMs));
    if (this.#own(nowMs) >= cost) return sparedMs;
    const shareMs = this.#share?.msUntil(nowMs, cost) ?? Number.POSITIVE_INFINITY;
    // Even what is there has to be fetched.
    const fetchedMs = this.#away
      ? Number.POSITIVE_INFINITY
      : 1 + this.#ledger.refillMs(cost - this.#held - this.#ledger.at(nowMs));
    return Math.max(sparedMs, Math.min(shareMs, fetchedMs));
  }

  isFull(nowMs: number): boolean {
    return this.quiet && this.#share?.isFull(nowMs) === true;
  }

  /** What the ledger is to be told at this instant; `undefined` when there is nothing new. */
  report(nowMs: number): TokenReport | undefined {
    const target = Math.ceil(this.#target(nowMs));
    const returns = this.#held > 2 * target || (target === 0 && this.#share === undefined);
    if (returns) this.#giveBack(nowMs, target);
    const held = this.#away ? Math.floor(this.#share?.tokens(nowMs) ?? 0) : this.#held;
    const want = Math.max(0, target - Math.ceil(held));
    const sinceMs = nowMs - this.#reportedAtMs;
    const due = returns || sinceMs >= RENEW_MS || (this.#curious && sinceMs >= RHYTHM_MS);
    if (!due && !this.#away && want === 0 && this.#spent === this.#acknowledged) return undefined;
    return this.#say(nowMs, held, want);
  }

  /** What the ledger is to be told at the end: everything that is prepaid goes back. */
  leave(nowMs: number): TokenReport {
    this.#held = 0;
    return this.#say(nowMs, 0, 0);
  }

  /** The ledger answered a report. */
  settle(nowMs: number, report: TokenReport, reply: TokenReply): void {
    // On its share it may since have spent more than it held: that is taken off what was granted.
    const before = this.#share === undefined ? this.#held : report.held - (this.#spent - report.spent);
    this.#held = Math.max(0, before + reply.granted);
    this.#share = undefined;
    this.#away = false;
    this.#dry = reply.granted < report.want;
    this.#acknowledged = report.spent;
    this.#reportedAtMs = nowMs;
    this.#ledger.hear(nowMs, reply);
    if (this.#held > 0 || report.want > 0) return;
    this.#share = this.#filledShare(1, reply.level / this.#sharers - (this.#spent - report.spent), nowMs);
  }

  /** The ledger does not answer. */
  part(nowMs: number): void {
    if (this.#away) return;
    const left = this.#share === undefined ? this.#held : this.#share.tokens(nowMs) - this.#loaned;
    this.#share = this.#filledShare(this.#options.awayFactor ?? 1, left, nowMs);
    this.#held = 0;
    this.#away = true;
  }

  /** Carries what it holds; see {@link Archive}. Instants of the demand are not carried: they only hasten reports. */
  archive(io: Archive): void {
    this.#held = io.number(this.#held);
    this.#spent = io.number(this.#spent);
    this.#acknowledged = io.number(this.#acknowledged);
    this.#ledger.archive(io);
    this.#away = io.flag(this.#away);
    const onShare = io.flag(this.#share !== undefined);
    if (io.loading) this.#share = onShare ? this.#newShare(1) : undefined;
    this.#share?.archive(io);
  }

  get #sharers(): number {
    return Math.max(1, this.#options.sharers());
  }

  /** As many prepaid tokens as it should have. */
  #target(nowMs: number): number {
    const demand = this.#demand.within(nowMs);
    if (demand < (this.#share === undefined ? END_DEMAND : BEGIN_DEMAND)) return 0;
    return Math.min(this.burst, Math.max(1, this.burst / this.#sharers, demand));
  }

  /** What can be taken here. On credit, a token that the level must have counts, if it is the first since the last news. */
  #own(nowMs: number): number {
    if (this.#share === undefined) return this.#held;
    const tokens = this.#share.tokens(nowMs) - this.#loaned;
    if (this.#away) return Math.max(0, tokens);
    const unsaid = Math.max(0, this.#spent - this.#acknowledged);
    const most = this.#share.burst - unsaid;
    return Math.max(0, tokens, Math.min(1, most, this.#ledger.at(nowMs) - unsaid));
  }

  /** Tokens of all processes and the ledger together, as of the last news. */
  #everywhere(nowMs: number): number {
    const unsaid = this.#share === undefined ? 0 : this.#spent - this.#acknowledged;
    return Math.min(this.burst, this.#ledger.withOthers(nowMs) + this.#held - unsaid);
  }

  #asked(nowMs: number, cost: number): void {
    this.#demand.note(nowMs, cost);
    const low = this.#share !== undefined || this.#held * 4 < this.#target(nowMs);
    // Where nothing is left the next batch is as soon as another question, unless it would overflow before that.
    const hurry = !this.#dry || this.burst * 1_000 < this.refillPerSecond * RHYTHM_MS;
    this.#options.onNews(this, low && hurry && !this.#away);
  }

  /** What is there until it is heard that it was given back is credit like any other. */
  #giveBack(nowMs: number, target: number): void {
    this.#ledger.give(nowMs, this.#held - target);
    this.#held = target;
    if (target === 0) this.#share = this.#filledShare(1, this.#ledger.at(nowMs) / this.#sharers, nowMs);
  }

  #takeOnShare(nowMs: number, cost: number, share: TokenBucket): void {
    const taken = Math.min(cost, share.tokens(nowMs));
    share.take(nowMs, taken);
    this.#loaned += cost - taken;
  }

  #say(nowMs: number, held: number, want: number): TokenReport {
    const [spent, acknowledged, away] = [this.#spent, this.#acknowledged, this.#away];
    // A ledger forgets what has been full again for long: not knowing that, it has lost nothing.
    const known = nowMs - this.#reportedAtMs < TOKEN_LEASE_MS + (this.burst * 1_000) / this.refillPerSecond;
    this.#sequence += 1;
    this.#curious = false;
    return { sequence: this.#sequence, spent, acknowledged, held, want, known, away };
  }

  #newShare(factor: number): TokenBucket {
    const sharers = this.#sharers;
    return new TokenBucket((this.refillPerSecond * factor) / sharers, Math.max(1, this.burst / sharers));
  }

  #filledShare(factor: number, tokens: number, nowMs: number): TokenBucket {
    this.#loaned = 0;
    const share = this.#newShare(factor);
    share.take(nowMs, Math.min(share.burst, Math.max(0, share.burst - tokens)));
    return share;
  }
}
