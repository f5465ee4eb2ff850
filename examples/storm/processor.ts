import { setTimeout as sleep } from 'node:timers/promises';

const SPENT = /^process_cpu_seconds_total (\S+)/m;

/** What a process has spent of a processor until an instant. */
export interface Spent {
  readonly seconds: number;
  readonly atMs: number;
}

/**
 * Reads from its metrics what the shop has spent of a processor.
 *
 * @throws Error where the shop does not answer with its metrics.
 */
export async function readSpent(port: number, signal: AbortSignal): Promise<Spent> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal });
  const found = SPENT.exec(await response.text());
  if (found === null) throw new Error(`the metrics of the shop tell no processor time (status ${response.status})`);
  return { seconds: Number(found[1]), atMs: performance.now() };
}

/** The share of one core that was in use between two readings: a program of one thread has no more than 1. */
export function busyShare(from: Spent, to: Spent): number {
  return ((to.seconds - from.seconds) * 1_000) / (to.atMs - from.atMs);
}

/** Share of one core that the shop uses within a span that begins `fromMs` from now, in milliseconds. */
export async function watchProcessor(
  port: number,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  signal: AbortSignal,
): Promise<number> {
  await sleep(fromMs, undefined, { signal });
  const from = await readSpent(port, signal);
  await sleep(toMs - fromMs, undefined, { signal });
  return busyShare(from, await readSpent(port, signal));
}
