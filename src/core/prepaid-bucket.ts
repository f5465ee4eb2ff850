import type { Archive } from './archive.js';
import { BatchTarget } from './batch-target.js';
import type { Bucket } from './bucket.js';
import { LedgerLevel } from './ledger-level.js';
import { requireNumber } from './numbers.js';
import type { PrepaidBucketOptions } from './prepaid-options.js';
import { TokenAccount } from './token-account.js';
import { TokenBucket } from './token-bucket.js';
import type { TokenReply, TokenReport } from './token-report.js';

/** The ledger hears of a bucket in use at least about this often. */
const RHYTHM_MS = 50;
/** Tokens are left to others from a burst that lasts so long on: with less, unused ones would overflow. */
const ROOMY_MS = 300;
/** Somebody was refused for want of tokens: others may have given some back, and that often it is asked. */
const ASK_AGAIN_MS = 500;
/** What is prepaid is renewed this often even if nothing happens to it; a ledger forgets it without. */
const RENEW_MS = 1_500;

/**
 * One process's part of a token bucket that many processes share: tokens are prepaid in batches from a ledger, so that
 * a decision needs nobody's answer.
 *
 * **Bound.** What is prepaid has left the ledger and counts against the capacity there, so in any time T the processes
 * together admit at most `refillPerSecond x T + burst`, and what they spend on credit besides. Who asks for little lives
 * on credit: of what the ledger must have it spends up to its share of the burst, n = B / N, at least 1, before the
 * ledger has heard of it, and nothing while more was spent than there was. So with N processes the bound is
 * R x T + B + N x n, however long any of them is silent; what is given back counts from when the ledger hears of it.
 * Prepaid batches rather than leases of a rate, because their bound holds whatever the demand does: Envoy's RLQS and
 * Doorman lease.
 *
 * **Away.** While the ledger does not answer, the process lives on its share of the rate, and begins with what it holds.
 *
 * Reports carry running totals, so that one that was lost, or was never answered, is made good by the next. Pure:
 * instants are arguments; what is to be said is asked for ({@link report}) and answered ({@link settle}).
 */
export class PrepaidBucket implements Bucket {
  readonly #options: PrepaidBucketOptions;
  readonly #account = new TokenAccount();
  readonly #ledger: LedgerLevel;
  /** Lived on while the ledger is away. */
  #share: TokenBucket | undefined;
  /** The ledger had less than was wanted. */
  #dry = false;
  /** Somebody was refused for what others need: that may have changed. */
  #curious = false;
  /** Somebody was refused for want of tokens. */
  #wanting = false;
  readonly #batch = new BatchTarget();

  /** A full bucket. @throws RangeError when a rate or a burst is out of range. */
  constructor(options: PrepaidBucketOptions) {
    requireNumber('refillPerSecond', options.limit.refillPerSecond, { min: 0 });
    requireNumber('burst', options.limit.burst);
    this.#options = options;
    this.#ledger = new LedgerLevel(options.limit);
  }

  get refillPerSecond(): number {
    return this.#options.limit.refillPerSecond;
  }

  get burst(): number {
    return this.#options.limit.burst;
  }

  /** Prepaid tokens that are left; none while it lives on credit or on its share. */
  get held(): number {
    return this.#account.held;
  }

  /** Whether the ledger is away. */
  get away(): boolean {
    return this.#share !== undefined;
  }

  /** Whether the ledger has to hear nothing more of it before the next request. */
  get quiet(): boolean {
    return this.#account.onCredit && !this.away && !this.#curious && !this.#wanting && this.#account.told;
  }

  /**
   * About how long the ledger may go without news of it while it is in use, in ms: what is prepaid takes room there until
   * it is heard that it was spent, and what refills beyond the room is lost.
   */
  get patienceMs(): number {
    return this.#ledger.lastsMs / 4;
  }

  tokens(nowMs: number): number {
    const own = this.#own(nowMs);
    if (this.#account.onCredit) return own;
    return Math.min(this.burst, own + Math.max(0, this.#ledger.at(nowMs)));
  }

  /** @param spare - Tokens that all processes together have to have left; what they have prepaid counts. */
  canTake(nowMs: number, cost: number, spare: number = 0): boolean {
    const own = this.#own(nowMs);
    if (this.#share !== undefined) {
      return own >= cost + Math.min(spare / this.#sharers, Math.max(0, this.#share.burst - cost));
    }
    return own >= cost && (spare === 0 || this.#everywhere(nowMs) >= cost + spare);
  }

  take(nowMs: number, cost: number, spare: number = 0): boolean {
    const taken = this.#own(nowMs) >= cost;
    if (taken) {
      this.#account.spend(cost);
      this.#share?.take(nowMs, cost);
    }
    this.#asked(nowMs, cost, spare);
    return taken;
  }

  miss(nowMs: number, cost: number, spare: number = 0): void {
    const spared = spare > 0 && this.#ledger.lastsMs >= ROOMY_MS && this.#everywhere(nowMs) < cost + spare;
    if (!spared && this.#own(nowMs) < cost) {
      this.#wanting = true;
      return this.#asked(nowMs, cost, spare);
    }
    // Who may not take what is here does not need more of it.
    this.#curious = true;
    if (spared) this.#batch.refused(nowMs, spare);
    this.#options.onNews(this, false);
  }

  refund(nowMs: number, cost: number): void {
    this.#account.refund(cost);
    this.#share?.refund(nowMs, cost);
    this.#options.onNews(this, false);
  }

  msUntil(nowMs: number, cost: number, spare: number = 0): number {
    if (cost + spare > this.burst) return Number.POSITIVE_INFINITY;
    const own = this.#own(nowMs);
    if (this.#share !== undefined) return this.#share.msUntil(nowMs, cost);
    const sparedMs = spare === 0 ? 0 : this.#ledger.refillMs(cost + spare - this.#everywhere(nowMs));
    if (own >= cost) return sparedMs;
    const { held, owed, onCredit } = this.#account;
    // Even what is there has to be fetched, where it is more than there is credit for.
    const fetchMs = onCredit && cost + owed <= this.#mostCredit ? 0 : 1;
    return Math.max(sparedMs, fetchMs + this.#ledger.refillMs(cost + owed - held - this.#ledger.at(nowMs)));
  }

  isFull(nowMs: number): boolean {
    return this.quiet && this.#ledger.at(nowMs) >= this.burst;
  }

  /** What the ledger is to be told at this instant; `undefined` when there is nothing new. */
  report(nowMs: number): TokenReport | undefined {
    const account = this.#account;
    const target = Math.ceil(this.#target(nowMs));
    account.lapse(nowMs);
    const returns = !account.onCredit && (account.held > 2 * target || target === 0);
    if (returns) {
      this.#ledger.give(nowMs, account.held - target);
      account.keep(target);
    }
    const held = this.#share === undefined ? account.held : Math.floor(this.#share.tokens(nowMs));
    const want = Math.max(0, target - Math.ceil(held));
    const sinceMs = account.silentMs(nowMs);
    const asks = (this.#curious && sinceMs >= RHYTHM_MS) || (this.#wanting && sinceMs >= ASK_AGAIN_MS);
    const due = returns || asks || sinceMs >= RENEW_MS;
    if (!due && !this.away && want === 0 && account.told) return undefined;
    return this.#say(nowMs, held, want);
  }

  /** What the ledger is to be told at the end: everything that is prepaid goes back. */
  leave(nowMs: number): TokenReport {
    this.#account.keep(0);
    return this.#say(nowMs, 0, 0);
  }

  /** The ledger answered a report. */
  settle(nowMs: number, report: TokenReport, reply: TokenReply): void {
    if (!this.#account.settle(nowMs, report, reply)) return;
    this.#share = undefined;
    this.#dry = reply.granted < report.want;
    this.#ledger.hear(nowMs, reply);
  }

  /** The ledger was there and did not take a report: nothing of it was heard. */
  refused(report: TokenReport): void {
    this.#account.unsay(report);
  }

  /** The ledger does not answer. It begins with what it holds, or with its part of what nobody holds. */
  part(nowMs: number): void {
    if (this.away) return;
    const own = this.#own(nowMs);
    const left = this.#account.onCredit ? Math.min(own, Math.max(0, this.#ledger.at(nowMs)) / this.#sharers) : own;
    this.#account.keep(0);
    this.#share = this.#newShare();
    this.#share.take(nowMs, this.#share.burst - Math.min(this.#share.burst, left));
  }

  /** Carries what it holds; see {@link Archive}. Instants of the demand are not carried: they only hasten reports. */
  archive(io: Archive): void {
    this.#account.archive(io);
    this.#ledger.archive(io);
    const away = io.flag(this.away);
    if (io.loading) this.#share = away ? this.#newShare() : undefined;
    this.#share?.archive(io);
  }

  get #sharers(): number {
    return Math.max(1, this.#options.sharers());
  }

  /** What may be spent of a ledger that has not heard of it. */
  get #mostCredit(): number {
    return Math.max(1, this.burst / this.#sharers);
  }

  /** As many prepaid tokens as it should have. */
  #target(nowMs: number): number {
    const { onCredit } = this.#account;
    const [{ burst }, { lastsMs }, sharers] = [this, this.#ledger, this.#sharers];
    return this.#batch.at(nowMs, { onCredit, burst, sharers, everywhere: this.#everywhere(nowMs), lastsMs });
  }

  /** What can be taken here. What was given back is credit like any other until it is heard that it arrived. */
  #own(nowMs: number): number {
    if (this.#share !== undefined) return this.#share.tokens(nowMs);
    this.#account.lapse(nowMs);
    const { held, owed, onCredit } = this.#account;
    return onCredit ? Math.max(0, Math.min(this.#mostCredit, this.#ledger.at(nowMs)) - owed) : held;
  }

  #everywhere(nowMs: number): number {
    return this.#ledger.everywhere(nowMs, this.#sharers, this.#account);
  }

  #asked(nowMs: number, cost: number, spare: number): void {
    this.#batch.note(nowMs, cost, spare);
    const low = this.#account.onCredit || this.#account.held * 4 < this.#target(nowMs);
    // Where nothing is left the next batch is as soon as another question.
    const urgent = low && !this.#dry && !this.away && !this.#batch.inVain(nowMs, spare);
    this.#options.onNews(this, urgent);
  }

  #say(nowMs: number, held: number, want: number): TokenReport {
    this.#curious = false;
    this.#wanting = false;
    return this.#account.say(nowMs, held, want, this.away, this.#ledger.lastsMs);
  }

  #newShare(): TokenBucket {
    const perSecond = (this.refillPerSecond * (this.#options.awayFactor ?? 1)) / this.#sharers;
    return new TokenBucket(perSecond, this.#mostCredit);
  }
}
