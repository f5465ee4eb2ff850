import { describe, expect, it } from 'vitest';
import { PrepaidBucket } from '../../../src/core/prepaid-bucket.js';
import type { BucketEntry } from '../../../src/fleet/token-ledger.js';
import { TokenSync } from '../../../src/fleet/token-sync.js';
import { seededRandom } from '../../../src/simulator/random.js';
import { Overshoot } from '../../support/overshoot.js';
import { TokenLedger } from '../../support/token-ledger.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** How long the ledger takes to answer. */
const ANSWER_MS = 2;
const SYNC_MS = 50;

/** The ledgers of a fleet in virtual time, as an instance speaks with them through Redis. */
class Ledgers {
  readonly clock = new VirtualClock();
  readonly #ledgers = new Map<string, TokenLedger>();
  /** Reports that arrived, by bucket. */
  readonly reports = new Map<string, number>();
  up = true;
  readonly connected = true;

  set(key: string, ledger: TokenLedger): void {
    this.#ledgers.set(`{${key}}`, ledger);
  }

  readonly tell = (_: unknown, key: string, args: readonly (string | number)[]): Promise<unknown> =>
    new Promise((resolve) => {
      const [id = '', ...rest] = args;
      const figures = rest.map(Number) as [number, number, number, number, number, number, number, number, number];
      const [rate, burst, , sequence, spent, acknowledged, held, want, known] = figures;
      const [away = 0, sinceMs = 0] = rest.slice(9).map(Number);
      this.clock.input(ANSWER_MS / 2, () => {
        const report = { sequence, spent, acknowledged, held, want, known: known === 1, away: away === 1, sinceMs };
        const reply = this.#ledgers.get(key)?.tell(this.clock.nowMs(), String(id), report, rate, burst);
        this.reports.set(key, (this.reports.get(key) ?? 0) + 1);
        const answer = [reply?.granted, reply?.level, rate, burst, reply?.others, 0];
        this.clock.input(ANSWER_MS / 2, () => resolve(answer));
      });
    });

  async run<T>(
    script: unknown,
    key: string,
    args: readonly (string | number)[],
    read: (answer: unknown) => T,
  ): Promise<T> {
    return read(await this.tell(script, key, args));
  }

  /** Milliseconds, one by one, with all that is answered in each. */
  async pass(ms: number, each: (nowMs: number) => void = () => {}): Promise<void> {
    for (let past = 0; past < ms; past += 1) {
      each(this.clock.nowMs());
      this.clock.runUntil(this.clock.nowMs() + 1);
      for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    }
  }
}

interface Instance {
  readonly sync: TokenSync;
  bucket(key: string, rate: number, burst: number): PrepaidBucket;
  readonly entries: Map<PrepaidBucket, BucketEntry>;
}

function instance(link: Ledgers, name: string, sharers = 1): Instance {
  const nobody = (): void => {};
  const sync = new TokenSync({
    link,
    clock: link.clock,
    random: seededRandom(name.length + name.charCodeAt(0)),
    prefix: '',
    syncMs: SYNC_MS,
    onStricter: nobody,
    onReplaced: nobody,
  });
  const entries = new Map<PrepaidBucket, BucketEntry>();
  const bucket = (key: string, rate: number, burst: number): PrepaidBucket => {
    const entry = { key, id: `${name}:${key}` };
    const made = new PrepaidBucket({
      limit: { refillPerSecond: rate, burst },
      sharers: () => sharers,
      onNews: (self, urgent) => sync.news(entry, self, urgent),
    });
    entries.set(made, entry);
    return made;
  };
  return { sync, bucket, entries };
}

describe('what is prepaid', () => {
  it.each([
    [1, 500, 30],
    [1, 100, 5],
    [1, 1_000, 50],
    [1, 1_000, 20],
    [1, 500, 60],
    [1, 1_000, 100],
    [1, 500, 250],
    [4, 1_000, 50],
    [4, 500, 60],
  ])('by %i instances loses nothing of %i a second with a burst of %i', async (count, rate, burst) => {
    const link = new Ledgers();
    link.set('a', new TokenLedger(rate, burst));
    const buckets = Array.from({ length: count }, (_, index) =>
      instance(link, String.fromCharCode(97 + index), count).bucket('a', rate, burst),
    );
    const over = new Overshoot(rate);
    let [asked, admitted] = [0, 0];
    await link.pass(5_000, (nowMs) => {
      for (; asked < (nowMs * rate * 1.6) / 1_000; asked += 1) {
        const taken = buckets[asked % count]?.take(nowMs, 1) === true ? 1 : 0;
        over.at(nowMs, taken);
        admitted += taken;
      }
    });
    expect(admitted).toBeGreaterThan(0.97 * rate * 5);
    expect(over.most).toBeLessThanOrEqual(burst + count * Math.max(1, burst / count));
    // As often as what refills has room, and no more often than that.
    const shortestMs = 0.75 * Math.min(SYNC_MS, Math.max(5, burst / rate / 0.004));
    expect((link.reports.get('{a}') ?? 0) / count / 5).toBeLessThanOrEqual(1.1 * (1_000 / shortestMs));
  });

  it('is told of as often as the bucket itself needs, whatever another one needs', async () => {
    const link = new Ledgers();
    const { bucket } = instance(link, 'a');
    const all = [
      ['roomy', 1_000, 1_000],
      ['short', 1_000, 50],
    ] as const;
    const buckets = all.map(([key, rate, burst]) => {
      link.set(key, new TokenLedger(rate, burst));
      return bucket(key, rate, burst);
    });
    await link.pass(5_000, (nowMs) => {
      for (const one of buckets) for (let count = 0; count < 2; count += 1) one.take(nowMs, 1);
    });
    expect(link.reports.get('{roomy}')).toBeLessThan(5 * 30);
    expect(link.reports.get('{short}')).toBeGreaterThan(5 * 60);
  });
});

describe('a bucket that is known at the start', () => {
  it('has what its ledger says, not a burst, before anybody asks it', async () => {
    const link = new Ledgers();
    link.set('a', new TokenLedger(1, 100));
    let admitted = 0;
    for (const name of ['first', 'second', 'third']) {
      const { sync, bucket, entries } = instance(link, name);
      const one = bucket('a', 1, 100);
      const learnt = sync.learn(entries);
      await link.pass(2 * ANSWER_MS);
      await learnt;
      await link.pass(1_500);
      while (one.take(link.clock.nowMs(), 1)) admitted += 1;
      await link.pass(200);
      const stopped = sync.stop();
      await link.pass(2 * ANSWER_MS);
      await stopped;
    }
    expect(admitted).toBeLessThanOrEqual(100 + link.clock.nowMs() / 1_000);
    expect(admitted).toBeGreaterThanOrEqual(100);
  });

  it('is not asked for while Redis is away', async () => {
    const link = new Ledgers();
    link.up = false;
    const { sync, bucket, entries } = instance(link, 'a');
    bucket('a', 1, 100);
    await sync.learn(entries);
    expect(link.reports.size).toBe(0);
  });
});
