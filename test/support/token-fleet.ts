import type { Bucket } from '../../src/core/bucket.js';
import { PrepaidBucket } from '../../src/core/prepaid-bucket.js';
import type { TokenReport } from '../../src/core/token-report.js';
import { TokenLedger } from './token-ledger.js';

/** One process of a fleet that shares a bucket. */
export interface Process {
  readonly id: string;
  readonly bucket: PrepaidBucket;
  urgent: boolean;
}

/** So many processes on one ledger, in virtual time. */
export function fleet(
  count: number,
  rate: number,
  burst: number,
  sharers: number = count,
): { ledger: TokenLedger; all: Process[] } {
  const ledger = new TokenLedger(rate, burst);
  const all = Array.from({ length: count }, (_, index) => {
    const options = { limit: { refillPerSecond: rate, burst }, sharers: () => sharers };
    const process: Process = {
      id: `p${index}`,
      urgent: false,
      bucket: new PrepaidBucket({ ...options, onNews: (_, urgent) => (process.urgent ||= urgent) }),
    };
    return process;
  });
  return { ledger, all };
}

/** A report and its answer at one instant. */
export function exchange(nowMs: number, ledger: TokenLedger, { id, bucket }: Process): TokenReport | undefined {
  const report = bucket.report(nowMs);
  if (report !== undefined) bucket.settle(nowMs, report, ledger.tell(nowMs, id, report));
  return report;
}

/** Tokens that can be taken one by one at an instant, of so many that are asked for at most. */
export function drain(nowMs: number, bucket: Bucket, most: number = Number.POSITIVE_INFINITY): number {
  let count = 0;
  while (count < most && bucket.take(nowMs, 1)) count += 1;
  return count;
}
