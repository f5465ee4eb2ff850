import type { PrepaidBucket } from '../core/prepaid-bucket.js';
import { TOKEN_LEASE_MS, type TokenReply, type TokenReport } from '../core/token-report.js';
import { LONG_MS, type RedisLink } from './redis-link.js';
import { noAnswer, readFigures } from './script-answer.js';
import { TOKEN_LEDGER } from './token-script.js';

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

/** What a {@link TokenLedger} needs. */
export interface TokenLedgerOptions {
  readonly link: Pick<RedisLink, 'up' | 'connected' | 'run' | 'tell'>;
  /** Prefix of all keys of the fleet. */
  readonly prefix: string;
  /** Another process of the fleet has a lower rate or burst for the bucket of this key, which holds. */
  readonly onStricter: (key: string, refillPerSecond: number, burst: number) => void;
  /** There was something else than a ledger under this key, and is no more. */
  readonly onReplaced: (key: string) => void;
}

/** The ledgers of prepaid tokens in Redis, one for each bucket, as one instance speaks with them. */
export class TokenLedger {
  readonly #options: TokenLedgerOptions;

  constructor(options: TokenLedgerOptions) {
    this.#options = options;
  }

  /** @throws Error where the answer does not come in time. */
  async ask(entry: BucketEntry, bucket: PrepaidBucket, report: TokenReport): Promise<TokenReply> {
    const { link, onStricter, onReplaced } = this.#options;
    const { refillPerSecond, burst } = bucket;
    const [key, args] = this.#saying(entry, bucket, report);
    const reply = await link.run(TOKEN_LEDGER, key, args, readReply);
    if (reply.refillPerSecond < refillPerSecond || reply.burst < burst)
      onStricter(entry.key, reply.refillPerSecond, reply.burst);
    if (reply.replaced) onReplaced(key);
    return reply;
  }

  /** Says so to a Redis that is away: it may be merely slow. @throws Error where it cannot be heard. */
  async tell(entry: BucketEntry, bucket: PrepaidBucket, report: TokenReport): Promise<void> {
    await this.#options.link.tell(TOKEN_LEDGER, ...this.#saying(entry, bucket, report));
  }

  /** The key in Redis, and what is said. */
  #saying(
    { key, id }: BucketEntry,
    { refillPerSecond, burst }: PrepaidBucket,
    report: TokenReport,
  ): [string, (string | number)[]] {
    const { sequence, spent, acknowledged, held, want, known, away, sinceMs } = report;
    const since = Math.min(sinceMs, LONG_MS);
    const figures = [sequence, spent, acknowledged, held, want, Number(known), Number(away), since];
    // Braces: a key hashes to the slot of what is between the first two, so they must not be missing.
    const name = `${this.#options.prefix}{${key}}`;
    return [name, [id, refillPerSecond, burst, TOKEN_LEASE_MS, ...figures]];
  }
}

/** A reply with the rate and the burst in force, the least of all processes. */
interface Reply extends TokenReply {
  readonly refillPerSecond: number;
  readonly burst: number;
  readonly replaced: boolean;
}

function readReply(answer: unknown): Reply {
  const [granted, level, refillPerSecond, burst, others, replaced] = readFigures(answer, 5);
  if (granted === undefined || level === undefined || refillPerSecond === undefined) throw noAnswer();
  if (burst === undefined || others === undefined) throw noAnswer();
  return { granted, level, refillPerSecond, burst, others, replaced: replaced === 1 };
}
