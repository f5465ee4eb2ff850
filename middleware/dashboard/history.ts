import type { DashboardView } from './view.js';

/**
 * One point of the charts, as plain numbers to keep ten minutes of them small: the wall clock in s; admitted per second,
 * shed per second and p99 of the response in ms (`null` without any) of each route; seats in use and queued requests of
 * each pool.
 */
export type ChartPoint = readonly [
  atSeconds: number,
  routes: readonly (readonly [admitted: number, shed: number, p99Ms: number | null])[],
  pools: readonly (readonly [seats: number, queued: number])[],
];

/** The last minutes of a gateway in points for charts. Bounded by time and by number. */
export class ChartHistory {
  readonly #points: ChartPoint[] = [];
  readonly #seconds: number;
  readonly #most: number;

  /**
   * @param seconds - How far back it goes. Default ten minutes.
   * @param most - Points at most. Default 700: ten minutes of one a second.
   */
  constructor(seconds: number = 600, most: number = 700) {
    this.#seconds = seconds;
    this.#most = most;
  }

  /** Oldest first. */
  get points(): readonly ChartPoint[] {
    return this.#points;
  }

  add(view: DashboardView): ChartPoint {
    const point = chartPoint(view);
    this.#points.push(point);
    const first = this.#points.findIndex(([atSeconds]) => atSeconds >= point[0] - this.#seconds);
    this.#points.splice(0, Math.max(first, this.#points.length - this.#most, 0));
    return point;
  }
}

function chartPoint({ at, routes, pools }: DashboardView): ChartPoint {
  return [
    Math.round(at / 100) / 10,
    routes.map(({ admitted, shed, response }) => [admitted, shed, response.p99]),
    pools.map(({ seats }) => [seats.inFlight, Object.values(seats.queuedByClass).reduce((sum, n) => sum + n, 0)]),
  ];
}
