import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { checkKnownOptions } from '../core/known-options.js';
import { type Aggregator, aggregatorOf } from './aggregation.js';
import { BUCKET_BOUNDS_MS } from './duration-bins.js';
import type { Histogram } from './histogram.js';
import type { HistogramMetric, MetricLabel, MetricLabels, NumberMetric } from './metric.js';
import { METRICS } from './metric-catalogue.js';
import { HOST_METRICS, SERVER_METRICS } from './server-catalogue.js';
import type { TelemetrySource } from './source.js';

/** Where the metrics are registered, and which. */
export interface MetricsOptions {
  /** The application's own registry, to print everything in one place. Default: one for Sluice alone. */
  readonly registry?: Registry;
  /**
   * What the names of the metrics begin with: letters, digits and `_`. Another one for each gateway that shares a registry;
   * the alert rules and the dashboard that come with Sluice know the default. Default `sluice_`.
   */
  readonly prefix?: string;
  /**
   * Whether prom-client's metrics of the process (memory, CPU, garbage collection) are added. Default true in a
   * registry of Sluice's own, and false in a given one, where they would usually be registered twice.
   */
  readonly processMetrics?: boolean;
  /**
   * Whether the servers are asked how many sessions work and what they wait for, and what memory these have is read from
   * `/proc` where PostgreSQL runs on this host. Each reading takes a connection that
   * nobody uses, for a moment, when metrics are scraped. Default false.
   */
  readonly serverMetrics?: boolean;
  /** Whether context switches, sockets in TIME_WAIT and open descriptors are read from `/proc`. Default false. */
  readonly hostMetrics?: boolean;
}

const OPTIONS: readonly string[] = ['registry', 'prefix', 'processMetrics', 'serverMetrics', 'hostMetrics'];
const PREFIX = 'sluice_';
/** One of those that {@link collectDefaultMetrics} registers on every system. */
const OF_PROCESS = 'process_cpu_user_seconds_total';
const BOUNDS = BUCKET_BOUNDS_MS.map((boundMs) => ({ le: boundMs / 1_000 }));
const BEYOND = { le: '+Inf' };

/**
 * Sluice's figures as Prometheus text. Nothing is recorded on the request's path: each metric reads the plain counters
 * when it is scraped.
 */
export class Metrics {
  readonly registry: Registry;

  /**
   * @throws Error when the registry has a metric of the same name, for example of a second gateway: nothing is registered
   *   then. TypeError for a prefix that no name can begin with.
   */
  constructor(source: () => TelemetrySource, options: MetricsOptions = {}) {
    checkKnownOptions('metrics()', options, OPTIONS);
    this.registry = options.registry ?? new Registry();
    const read = oncePerTurn(source);
    const { serverMetrics = false, hostMetrics = false } = options;
    const all = [...METRICS, ...(serverMetrics ? SERVER_METRICS : []), ...(hostMetrics ? HOST_METRICS : [])];
    const own = all.map((metric) => new ReadMetric(checkPrefix(options.prefix ?? PREFIX), metric, read));
    const ofProcess = options.processMetrics ?? options.registry === undefined;
    checkFree(this.registry, own, ofProcess);
    // The type names classes that are hard to derive from; the registry asks for no more than this.
    for (const metric of own) this.registry.registerMetric(metric as unknown as Metric);
    if (ofProcess) collectDefaultMetrics({ register: this.registry });
  }

  /** The `Content-Type` of {@link text}. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Everything in the registry, in the format of its content type. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}

function checkPrefix(prefix: string): string {
  if (/^[a-z_][a-z0-9_]*$/i.test(prefix)) return prefix;
  throw new TypeError(
    `metrics() has the prefix ${JSON.stringify(prefix)}: use letters, digits and _, for example "sluice_a_"`,
  );
}

/** Before anything is registered: half of the metrics would be worse than none. */
function checkFree(registry: Registry, own: readonly ReadMetric[], ofProcess: boolean): void {
  const taken = own.find(({ name }) => registry.getSingleMetric(name) !== undefined);
  if (taken !== undefined) {
    throw new Error(
      `the registry has a metric "${taken.name}" already, of another gateway or of another call of metrics(): mount ` +
        'metrics(gateway) once, or give each its own { registry }, or another { prefix }',
    );
  }
  if (!ofProcess || registry.getSingleMetric(OF_PROCESS) === undefined) return;
  throw new Error(
    `the registry has the metrics of the process ("${OF_PROCESS}") already: leave { processMetrics } out`,
  );
}

/** All metrics of one scrape are read in one turn of the event loop: they share one look at the source. */
function oncePerTurn(source: () => TelemetrySource): () => TelemetrySource {
  let seen: TelemetrySource | undefined;
  return () => {
    if (seen !== undefined) return seen;
    const present = source();
    const routes = [...present.routes()];
    const pools = [...present.pools()];
    seen = { ...present, routes: () => routes, pools: () => pools };
    queueMicrotask(() => {
      seen = undefined;
    });
    return seen;
  };
}

interface Value {
  readonly value: number;
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Printed beside `labels`; prom-client keeps their text as long as the object is the same. */
  readonly sharedLabels: MetricLabels;
}

const NO_LABELS = {};

/**
 * What a registry needs of a metric, with counts that live elsewhere. The classes of prom-client keep every value a
 * second time, under a key that is made of its labels at each scrape.
 */
class ReadMetric {
  /** A registry of OpenMetrics shortens the names of counters. */
  name: string;
  readonly help: string;
  readonly type: NumberMetric['type'] | 'histogram';
  readonly labelNames: readonly MetricLabel[];
  /** Where the processes of a cluster are scraped as one. */
  readonly aggregator: Aggregator;
  readonly #values: () => Value[];

  constructor(prefix: string, metric: NumberMetric | HistogramMetric, read: () => TelemetrySource) {
    this.name = prefix + metric.name;
    this.help = metric.help;
    this.type = metric.type;
    this.labelNames = metric.labels;
    this.aggregator = aggregatorOf(metric.name);
    this.#values =
      metric.type === 'histogram'
        ? () => metric.read(read()).flatMap(({ labels, value }) => buckets(this.name, labels, value))
        : () => metric.read(read()).map(({ labels, value }) => ({ value, labels: NO_LABELS, sharedLabels: labels }));
  }

  /** For those who read a registry as objects. */
  async get(): Promise<object> {
    const values = this.#values().map(({ labels, sharedLabels, ...value }) => {
      return { ...value, labels: { ...sharedLabels, ...labels } };
    });
    return this.#described(values);
  }

  /** What a registry prints. */
  async getForPromString(): Promise<object> {
    return this.#described(this.#values());
  }

  /** The counts are not ours to reset. */
  reset(): void {}

  #described(values: readonly object[]): object {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values };
  }
}

function buckets(name: string, labels: MetricLabels, histogram: Histogram): Value[] {
  const below = histogram.cumulative();
  const metricName = `${name}_bucket`;
  return [
    ...BOUNDS.map((bound, index) => ({ metricName, labels: bound, sharedLabels: labels, value: below[index] ?? 0 })),
    { metricName, labels: BEYOND, sharedLabels: labels, value: histogram.count },
    { metricName: `${name}_sum`, labels: NO_LABELS, sharedLabels: labels, value: seconds(histogram.sumMs) },
    { metricName: `${name}_count`, labels: NO_LABELS, sharedLabels: labels, value: histogram.count },
  ];
}

function seconds(ms: number): number {
  return ms / 1_000;
}
