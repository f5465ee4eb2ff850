import type { LoadPlan } from './plan.js';

const LONGEST_MS = 600_000;

/**
 * Refuses a plan that is not bounded or makes no sense.
 *
 * @throws RangeError naming every mistake.
 */
export function validatePlan(plan: LoadPlan): void {
  const wrong: string[] = [];
  const expect = (holds: boolean, text: string): void => {
    if (!holds) wrong.push(text);
  };
  const between = (name: string, value: number, low: number, high: number): void =>
    expect(value >= low && value <= high, `${name} must be between ${low} and ${high}, it is ${value}`);

  between('port', plan.port, 1, 65_535);
  between('warmUpMs', plan.warmUpMs, 0, LONGEST_MS);
  between('measureMs', plan.measureMs, 1, LONGEST_MS);
  between('coolDownMs', plan.coolDownMs, 0, LONGEST_MS);
  if (plan.maxSockets !== undefined) between('maxSockets', plan.maxSockets, 1, 16_000);
  if (plan.maxRequests !== undefined) between('maxRequests', plan.maxRequests, 1, 10_000_000);
  expect(plan.streams.length > 0, 'streams must not be empty');
  expect(new Set(plan.streams.map((stream) => stream.name)).size === plan.streams.length, 'stream names must differ');
  for (const { name, arrivals, deadlineMs, unansweredAfterMs, retries } of plan.streams) {
    if (arrivals.kind === 'closed') between(`${name}: callers`, arrivals.callers, 1, 4_000);
    else between(`${name}: ratePerSecond`, arrivals.ratePerSecond, 0.001, 50_000);
    if (retries !== undefined) {
      between(`${name}: retries.times`, retries.times, 1, 10);
      // Its callers come back by themselves.
      expect(arrivals.kind !== 'closed', `${name}: a closed loop has no retries`);
    }
    between(`${name}: deadlineMs`, deadlineMs, 1, LONGEST_MS);
    between(`${name}: unansweredAfterMs`, unansweredAfterMs, deadlineMs, LONGEST_MS);
  }
  if (wrong.length > 0) throw new RangeError(`the load plan is wrong: ${wrong.join('; ')}`);
}
