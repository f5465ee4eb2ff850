import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { InstanceOrder, InstanceReport } from './messages.js';

const MAIN = fileURLToPath(new URL('instance.js', import.meta.url));
/** From the order to the beginning: time to reach Redis. */
const LEAD_MS = 2_000;

/** What a fleet as a whole was given. */
export interface FleetRun {
  readonly admitted: number;
  /** The most that was admitted in any window beyond what refilled in it. */
  readonly overshoot: number;
  readonly decisionNs: readonly number[];
  readonly reports: number;
}

/** Runs so many real processes at once, each asked for the same. */
export async function runFleet(
  count: number,
  order: Omit<InstanceOrder, 'startAtMs' | 'instances'>,
  entry: string = MAIN,
): Promise<FleetRun> {
  const children = Array.from({ length: count }, () => fork(entry, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  try {
    await Promise.all(children.map((child) => once(child, 'message')));
    const startAtMs = Date.now() + LEAD_MS;
    const reports = await Promise.all(children.map((child) => tell(child, { ...order, instances: count, startAtMs })));
    return together(reports, order.ratePerSecond);
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

async function tell(child: ChildProcess, order: InstanceOrder): Promise<InstanceReport> {
  const answer = once(child, 'message');
  child.send(order);
  const [report] = await answer;
  return report as InstanceReport;
}

function together(reports: readonly InstanceReport[], ratePerSecond: number): FleetRun {
  const admitted = (reports[0]?.admitted ?? []).map((_, ms) =>
    reports.reduce((sum, report) => sum + (report.admitted[ms] ?? 0), 0),
  );
  let total = 0;
  let least = 0;
  let overshoot = 0;
  for (const [ms, count] of admitted.entries()) {
    const refilled = (ms * ratePerSecond) / 1_000;
    least = Math.min(least, total - refilled);
    total += count;
    overshoot = Math.max(overshoot, total - refilled - least);
  }
  const decisionNs = reports.map((report) => report.decisionNs);
  return { admitted: total, overshoot, decisionNs, reports: reports.reduce((sum, one) => sum + one.reports, 0) };
}
