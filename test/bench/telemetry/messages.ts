/** Samples of what telemetry costs a request, in microseconds of processor time. */
export interface TelemetryCost {
  /** A whole request through the engine, without reports. */
  readonly off: readonly number[];
  /** What reports add to one with a single statement. */
  readonly query: readonly number[];
  /** What they add to one with a transaction of four statements. */
  readonly transaction: readonly number[];
  /** What every request pays where nobody listens. */
  readonly look: readonly number[];
}

/** Samples of a scrape of fifty routes, in milliseconds of processor time. */
export interface ScrapeCost {
  /** Sluice's own metrics. */
  readonly own: readonly number[];
  /** Those of the process beside them. */
  readonly withProcess: readonly number[];
  /** Series of Sluice's own in one scrape. */
  readonly series: number;
}

/** What the process of the section `telemetry` answers. */
export interface TelemetryFigures {
  readonly cost: TelemetryCost;
  readonly scrape: ScrapeCost;
}
