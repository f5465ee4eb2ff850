import type { Histogram } from './histogram.js';
import type { TelemetrySource } from './source.js';

/** Every label that a metric may carry: all of them from closed sets or from the configuration. */
export type MetricLabel = 'route' | 'class' | 'pool' | 'code' | 'reason' | 'outcome' | 'method' | 'status';

/** The labels of one series. */
export type MetricLabels = Readonly<Partial<Record<MetricLabel, string>>>;

/** One value of a metric. */
export interface Sample<Value> {
  readonly labels: MetricLabels;
  readonly value: Value;
}

interface Described {
  /** Without the prefix `sluice_`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly MetricLabel[];
}

/** A metric whose values are numbers. */
export interface NumberMetric extends Described {
  readonly type: 'counter' | 'gauge';
  read(source: TelemetrySource): Sample<number>[];
}

/** A metric whose values are histograms. */
export interface HistogramMetric extends Described {
  readonly type: 'histogram';
  read(source: TelemetrySource): Sample<Histogram>[];
}
