import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../src/clock.js';
import { Fleet } from '../../../src/fleet/fleet.js';
import { type MakeBucket, RateLimit } from '../../../src/rate-limit/rate-limit.js';
import { TotalRate } from '../../../src/rate-limit/total-rate.js';
import type { InstanceOrder, InstanceReport } from './messages.js';

// One instance of a fleet that shares a rate limit: told over IPC what to ask for and when, it answers with what it got.

process.once('disconnect', () => process.exit(0));
process.once('message', (order: InstanceOrder) => {
  void work(order).then((report) => process.send?.(report, () => process.exit(0)));
});
process.send?.('ready');

async function work(order: InstanceOrder): Promise<InstanceReport> {
  const { url, ratePerSecond, burst, instances, rank, startAtMs, runMs } = order;
  const options = { name: 'bench', url, syncMs: 50, instances, clock: systemClock, random: Math.random };
  const fleet = await Fleet.open({ ...options, warn: (code) => console.error(code) });
  const makeBucket: MakeBucket = (name, perSecond, most) =>
    fleet.bucket(`bench:${name}`, { refillPerSecond: perSecond, burst: most }, 1);
  const rate = new RateLimit(
    rank === undefined
      ? { endpoint: { refillPerSecond: ratePerSecond, burst }, makeBucket }
      : { total: new TotalRate(makeBucket('all', ratePerSecond, burst)) },
  );
  await delay(Math.max(0, startAtMs - Date.now()));
  const admitted = await ask(rate, order);
  const report = { admitted, decisionNs: decisionNs(rate, runMs), reports: fleet.status.reports };
  await fleet.close();
  return report;
}

/** Asks evenly at its demand; what was admitted in each millisecond since the start. */
async function ask(rate: RateLimit, { startAtMs, runMs, demandPerSecond, rank }: InstanceOrder): Promise<number[]> {
  const admitted: number[] = new Array(runMs).fill(0);
  let asked = 0;
  for (;;) {
    const sinceMs = Date.now() - startAtMs;
    if (sinceMs >= runMs) return admitted;
    for (const due = (sinceMs * demandPerSecond) / 1_000; asked < due; asked += 1) {
      if (rate.take(systemClock.nowMs(), undefined, 1, rank) === undefined)
        admitted[sinceMs] = (admitted[sinceMs] ?? 0) + 1;
    }
    await delay(1);
  }
}

/** What one decision takes, in nanoseconds: the median of rounds, over admitted and shed ones as they come. */
function decisionNs(rate: RateLimit, runMs: number): number {
  const rounds = Array.from({ length: Math.min(101, runMs) }, () => {
    const began = process.hrtime.bigint();
    for (let count = 0; count < 200; count += 1) rate.take(systemClock.nowMs(), undefined, 1);
    return Number(process.hrtime.bigint() - began) / 200;
  });
  return rounds.sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? 0;
}
