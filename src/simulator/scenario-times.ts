import type { z } from 'zod';
import type { LoopBlockEvent, Scenario } from './scenario.js';

/** Told of a mistake, and where it is. */
type Mistake = (path: PropertyKey[], message: string) => void;

/** Instants and lengths that must fit each other. */
export function checkTimes(scenario: Scenario, context: z.RefinementCtx): void {
  const { durationMs, warmUpMs, windows, events } = scenario;
  const mistake: Mistake = (path, message) => context.addIssue({ code: 'custom', path, message });
  if (warmUpMs >= durationMs) mistake(['warmUpMs'], `must be less than durationMs, which is ${durationMs}`);
  for (const [index, { fromMs, untilMs }] of windows.entries()) {
    if (fromMs < untilMs && untilMs <= durationMs) continue;
    mistake(['windows', index, 'untilMs'], `must end after it begins, and by durationMs, which is ${durationMs}`);
  }
  for (const [index, { atMs }] of events.entries()) {
    if (atMs < durationMs) continue;
    const remedy = `use less than durationMs, which is ${durationMs}, or leave the event out`;
    mistake(['events', index, 'atMs'], `${atMs} is after the end, where nothing happens any more; ${remedy}`);
  }
  checkBlocks(events, mistake);
  checkReclaim(scenario, mistake);
}

/** A reclaim that ends before it begins, or after the load, would measure nothing, and say 0. */
function checkReclaim({ reclaim, durationMs }: Scenario, mistake: Mistake): void {
  if (reclaim === undefined) return;
  const { atMs, untilMs } = reclaim;
  if (atMs >= durationMs) {
    mistake(['reclaim', 'atMs'], `${atMs} is after the end; use less than durationMs, which is ${durationMs}`);
  } else if (untilMs <= atMs) {
    mistake(['reclaim', 'untilMs'], `${untilMs} is not after atMs; use more than ${atMs}`);
  }
}

/** A block that comes again before it is over would never end, and neither would blocks that take turns. */
function checkBlocks(events: Scenario['events'], mistake: Mistake): void {
  let share = 0;
  for (const [index, event] of events.entries()) {
    if (!repeats(event)) continue;
    const { forMs, everyMs } = event;
    const path = ['events', index, 'forMs'];
    if (forMs >= everyMs) {
      const found = `${forMs} is not less than everyMs, which is ${everyMs}`;
      mistake(path, `${found}: the event loop would never be free again; use a shorter forMs, or a longer everyMs`);
      continue;
    }
    const before = share;
    share += forMs / everyMs;
    if (share < 1 || before >= 1) continue;
    const sum = `${percent(forMs / everyMs)} of the time, and ${percent(before)} by the events before it`;
    mistake(path, `${forMs} blocks ${sum}: the event loop might never be free; all together must stay under 100 %`);
  }
}

function repeats(event: Scenario['events'][number]): event is LoopBlockEvent & { readonly everyMs: number } {
  return event.kind === 'loopBlock' && event.everyMs !== undefined;
}

const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
