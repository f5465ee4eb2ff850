import type { Archive } from './archive.js';
import { TOKEN_LEASE_MS, type TokenReply, type TokenReport } from './token-report.js';

/**
 * What one process has of a bucket that many share, and what its ledger knows of it.
 *
 * The ledger always has at least as much in its books for the process as it holds here, less what it owes: so what
 * the process may spend without telling is what it holds, and what its owner allows it to owe.
 */
export class TokenAccount {
  #held = 0;
  /** As much as the ledger has in its books as held, at least. */
  #recorded = 0;
  #spent = 0;
  #acknowledged = 0;
  /** As much of what was spent as the ledger has heard of, or as was prepaid. */
  #paid = 0;
  #onCredit = true;
  #sequence = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #saidBeforeMs = Number.NEGATIVE_INFINITY;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  /** The ledger keeps until then what is held. */
  #leasedUntilMs = Number.NEGATIVE_INFINITY;

  /** Prepaid tokens that are left; none on credit. */
  get held(): number {
    return this.#held;
  }

  /** Nothing is prepaid: what is spent is told afterwards. */
  get onCredit(): boolean {
    return this.#onCredit;
  }

  /** Tokens that were spent, were not prepaid, and of which the ledger is not known to have heard. 0 or more. */
  get owed(): number {
    return this.#spent - this.#paid;
  }

  /** Whether the ledger knows all that was spent. */
  get told(): boolean {
    return this.#spent === this.#acknowledged;
  }

  /** How long ago the ledger answered, in ms; `Infinity` before it did. */
  silentMs(nowMs: number): number {
    return nowMs - this.#heardAtMs;
  }

  spend(cost: number): void {
    this.#spent += cost;
    if (this.#onCredit) return;
    this.#held -= cost;
    this.#paid += cost;
  }

  /** What the ledger counts as spent already goes back to it: it may have no room for it any more. */
  refund(cost: number): void {
    this.#spent -= cost;
    const paid = Math.min(this.#paid, this.#spent);
    this.#held = Math.min(this.#recorded, this.#held + this.#paid - paid);
    this.#paid = paid;
  }

  /** From now on it holds so many tokens, fewer than before; it lives on credit when that is none. */
  keep(tokens: number): void {
    this.#held = tokens;
    this.#onCredit = tokens === 0;
  }

  /** What is held is lost to a process of which the ledger has not heard for so long. */
  lapse(nowMs: number): void {
    if (this.#onCredit || nowMs < this.#leasedUntilMs) return;
    this.#recorded = 0;
    this.keep(0);
    // A ledger that has forgotten the process would charge again what was prepaid.
    this.#acknowledged = this.#paid;
  }

  /**
   * What the ledger is to be told.
   *
   * @param held - Tokens that the process has, wherever they are kept.
   * @param fullAfterMs - How long an empty bucket takes to be full: a ledger forgets those that have been for long.
   */
  say(nowMs: number, held: number, want: number, away: boolean, fullAfterMs: number): TokenReport {
    const sinceMs = nowMs - this.#saidAtMs;
    this.#sequence += 1;
    this.#recorded = held;
    this.#saidBeforeMs = this.#saidAtMs;
    this.#saidAtMs = nowMs;
    // Not knowing a bucket that was full, a ledger has lost nothing.
    const known = this.silentMs(nowMs) < TOKEN_LEASE_MS + fullAfterMs;
    const [sequence, spent, acknowledged] = [this.#sequence, this.#spent, this.#acknowledged];
    return { sequence, spent, acknowledged, held, want, known, away, sinceMs };
  }

  /** The ledger did not take a report: it has heard nothing since the one before. */
  unsay({ sequence }: TokenReport): void {
    if (sequence === this.#sequence) this.#saidAtMs = this.#saidBeforeMs;
  }

  /**
   * The ledger answered a report.
   *
   * @returns Whether the answer counts: one to a report that was followed by another does not, as that has said what is
   *   held without it.
   */
  settle(nowMs: number, report: TokenReport, { granted }: TokenReply): boolean {
    if (report.sequence !== this.#sequence) return false;
    // Where nothing was prepaid it may since have spent more: that is taken off what was granted.
    const before = this.#onCredit ? report.held - (this.#spent - report.spent) : this.#held;
    const left = before + granted;
    this.#recorded = report.held + granted;
    this.#held = Math.max(0, Math.min(this.#recorded, left));
    this.#onCredit = this.#held === 0 && report.want === 0;
    this.#acknowledged = report.spent;
    this.#paid = this.#spent + Math.min(0, left);
    this.#heardAtMs = nowMs;
    this.#leasedUntilMs = this.#saidAtMs + TOKEN_LEASE_MS;
    return true;
  }

  archive(io: Archive): void {
    this.#held = io.number(this.#held);
    this.#recorded = io.number(this.#recorded);
    this.#spent = io.number(this.#spent);
    this.#acknowledged = io.number(this.#acknowledged);
    this.#paid = io.number(this.#paid);
    this.#onCredit = io.flag(this.#onCredit);
    this.#sequence = io.number(this.#sequence);
    this.#saidAtMs = io.number(this.#saidAtMs);
    this.#saidBeforeMs = io.number(this.#saidBeforeMs);
    this.#heardAtMs = io.number(this.#heardAtMs);
    this.#leasedUntilMs = io.number(this.#leasedUntilMs);
  }
}
