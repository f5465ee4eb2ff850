/** What the requests of a pool met in a stretch of time, summed up. */
export interface UseSums {
  requests: number;
  /** Those that were shed for want of seats. */
  shed: number;
  heldMs: number;
  readonly heldByRoute: Map<string, number>;
  waitMs: number;
  /** Requests that found all seats in use. */
  full: number;
  /** The most seats that were in use at once. */
  peak: number;
  /** Of requests in a full pool whose quiet time is known: how many, their time, and what it would be when quiet. */
  compared: number;
  comparedMs: number;
  quietMs: number;
}

/** Those of no request. */
export function emptySums(): UseSums {
  const heldByRoute = new Map<string, number>();
  return {
    requests: 0,
    shed: 0,
    heldMs: 0,
    heldByRoute,
    waitMs: 0,
    full: 0,
    peak: 0,
    compared: 0,
    comparedMs: 0,
    quietMs: 0,
  };
}

/** Those of two stretches together. */
export function sumOf(one: UseSums, other: UseSums): UseSums {
  const heldByRoute = new Map(one.heldByRoute);
  for (const [route, ms] of other.heldByRoute) heldByRoute.set(route, (heldByRoute.get(route) ?? 0) + ms);
  return {
    requests: one.requests + other.requests,
    shed: one.shed + other.shed,
    heldMs: one.heldMs + other.heldMs,
    heldByRoute,
    waitMs: one.waitMs + other.waitMs,
    full: one.full + other.full,
    peak: Math.max(one.peak, other.peak),
    compared: one.compared + other.compared,
    comparedMs: one.comparedMs + other.comparedMs,
    quietMs: one.quietMs + other.quietMs,
  };
}
