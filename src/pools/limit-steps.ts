/**
 * The lowest step is well above what the session's own errands take (a reset, a BEGIN, a probe), because these run under
 * the limit that the last statement left. Who has less time left than that cancels by itself.
 */
const STEPS_MS = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
] as const;

const TOP_STEP_MS = 3_600_000;

/** The largest statement limit PostgreSQL takes, in milliseconds: about 24.8 days. */
export const MAX_LIMIT_MS = 2_147_483_647;

/**
 * The step that a statement limit is rounded up to, in milliseconds: 100, 200, 500, … 60,000, … one hour, then whole
 * hours. Time left differs for every request; few steps let most statements find the session's limit already set.
 *
 * @param limitMs - A limit in milliseconds; below 100 (or not a number) counts as 100, beyond the server's range as the largest it takes.
 */
export function limitStepMs(limitMs: number): number {
  if (Number.isNaN(limitMs)) return STEPS_MS[0];
  for (const step of STEPS_MS) {
    if (limitMs <= step) return step;
  }
  return Math.min(MAX_LIMIT_MS, Math.ceil(limitMs / TOP_STEP_MS) * TOP_STEP_MS);
}

/** A limit as the server takes it: a whole number of milliseconds, at least 1, never less than asked. */
export function wholeLimitMs(limitMs: number): number {
  return limitMs >= 1 ? Math.min(MAX_LIMIT_MS, Math.ceil(limitMs)) : 1;
}

/** Whether a statement has a limit at all. */
export function isLimited(limitMs: number | undefined): limitMs is number {
  return limitMs !== undefined && limitMs !== Number.POSITIVE_INFINITY;
}
