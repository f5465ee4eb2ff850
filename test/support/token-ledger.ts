import { TOKEN_LEASE_MS, type TokenReply, type TokenReport } from '../../src/core/token-report.js';

/** A process that lived on its share and was not heard for so long is not charged for all that it spent. */
const SILENT_MS = 1_000;

interface Holding {
  readonly held: number;
  readonly spent: number;
  readonly sequence: number;
  readonly expiresAtMs: number;
  readonly rate: number;
  readonly burst: number;
}

/**
 * The ledger of prepaid tokens as a model in virtual time: what the script in Redis does, told a second time. A test
 * holds one against the other.
 */
export class TokenLedger {
  readonly #rate: number;
  readonly #burst: number;
  readonly #holdings = new Map<string, Holding>();
  #level: number | undefined;
  #atMs = 0;

  constructor(rate: number, burst: number) {
    this.#rate = rate;
    this.#burst = burst;
  }

  /** Everything is lost. */
  flush(): void {
    this.#level = undefined;
    this.#holdings.clear();
  }

  tell(
    nowMs: number,
    id: string,
    report: TokenReport,
    rate: number = this.#rate,
    burst: number = this.#burst,
  ): TokenReply {
    const mine = this.#holdings.get(id);
    const others = this.#othersOf(nowMs, id);
    const least = {
      rate: Math.min(rate, ...others.map((one) => one.rate)),
      burst: Math.min(burst, ...others.map((one) => one.burst)),
    };
    const prepaid = others.reduce((sum, { held }) => sum + held, 0);
    if (mine !== undefined && mine.sequence >= report.sequence) {
      return { granted: 0, level: this.#level ?? 0, others: prepaid };
    }
    const level = this.#levelFor(nowMs, report, mine, prepaid, least);
    const room = Math.min(level, least.burst - prepaid - report.held);
    const granted = Math.max(0, Math.min(report.want, Math.floor(room)));
    this.#level = room - granted;
    this.#atMs = nowMs;
    this.#holdings.set(id, {
      held: report.held + granted,
      spent: report.spent,
      sequence: report.sequence,
      expiresAtMs: nowMs + TOKEN_LEASE_MS,
      rate,
      burst,
    });
    return { granted, level: this.#level, others: prepaid };
  }

  #othersOf(nowMs: number, id: string): Holding[] {
    for (const [other, { expiresAtMs }] of this.#holdings) {
      if (other !== id && expiresAtMs <= nowMs) this.#holdings.delete(other);
    }
    return [...this.#holdings].filter(([other]) => other !== id).map(([, holding]) => holding);
  }

  #levelFor(
    nowMs: number,
    { spent, acknowledged, held, known, away, sinceMs }: TokenReport,
    mine: Holding | undefined,
    prepaid: number,
    { rate, burst }: { readonly rate: number; readonly burst: number },
  ): number {
    const level = this.#level ?? (known || away ? 0 : burst);
    const elapsedMs = this.#level === undefined ? 0 : Math.max(0, nowMs - this.#atMs);
    const before = mine?.held ?? 0;
    const excess = spent - (mine?.spent ?? acknowledged) + held - before;
    const refilled = level + (elapsedMs * rate) / 1_000;
    const silent = mine === undefined || nowMs - (mine.expiresAtMs - TOKEN_LEASE_MS) > SILENT_MS || sinceMs > SILENT_MS;
    const charged = Math.min(burst - prepaid - before, refilled) - excess;
    if (!away) return charged;
    if (elapsedMs > SILENT_MS) return 0;
    if (!silent) return Math.max(charged, (-rate * SILENT_MS) / 1_000);
    const most = Math.min(burst, refilled);
    return Math.max(Math.min(most, 0), most - excess);
  }
}
