import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { BUCKET_BOUNDS_MS } from './histogram.js';
import { type HistogramMetric, METRICS, type MetricLabel, type NumberMetric } from './metric-catalogue.js';
import type { TelemetrySource } from './source.js';

/** Where the metrics are registered, and which. */
export interface MetricsOptions {
  /** The application's own registry, to print everything in one place. Default: one for Sluice alone. */
  readonly registry?: Registry;
  /**
   * Whether prom-client's metrics of the process (memory, CPU, garbage collection) are added. Default true in a
   * registry of Sluice's own, and false in a given one, where they would usually be registered twice.
   */
  readonly processMetrics?: boolean;
}

const PREFIX = 'sluice_';

/**
 * Sluice's figures as Prometheus text. Nothing is recorded on the request's path: each metric reads the plain counters
 * when it is scraped.
 */
export class Metrics {
  readonly registry: Registry;

  /** @throws Error when the registry has a metric of the same name, for example of a second gateway. */
  constructor(source: () => TelemetrySource, options: MetricsOptions = {}) {
    this.registry = options.registry ?? new Registry();
    const read = oncePerTurn(source);
    for (const metric of METRICS) {
      if (metric.type === 'histogram') new ReadHistogram(this.registry, metric, read);
      else addNumber(this.registry, metric, read);
    }
    if (options.processMetrics ?? options.registry === undefined) collectDefaultMetrics({ register: this.registry });
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

/** All metrics of one scrape are read in one turn of the event loop: they share one look at the source. */
function oncePerTurn(source: () => TelemetrySource): () => TelemetrySource {
  let seen: TelemetrySource | undefined;
  return () => {
    if (seen === undefined) {
      const { routes, pools, ...process } = describe(source());
      seen = { ...process, routes: () => routes, pools: () => pools };
      queueMicrotask(() => {
        seen = undefined;
      });
    }
    return seen;
  };
}

function describe(source: TelemetrySource) {
  return {
    mode: source.mode,
    draining: source.draining,
    eventLoopLagMs: source.eventLoopLagMs,
    clientsTurnedAway: source.clientsTurnedAway,
    fleet: source.fleet,
    routes: [...source.routes()],
    pools: [...source.pools()],
  };
}

function addNumber(registry: Registry, metric: NumberMetric, read: () => TelemetrySource): void {
  const described = {
    name: PREFIX + metric.name,
    help: metric.help,
    labelNames: [...metric.labels],
    registers: [registry],
  };
  if (metric.type === 'gauge') {
    new Gauge<MetricLabel>({
      ...described,
      collect() {
        this.reset();
        for (const { labels, value } of metric.read(read())) this.set({ ...labels }, value);
      },
    });
  } else {
    new Counter<MetricLabel>({
      ...described,
      collect() {
        this.reset();
        for (const { labels, value } of metric.read(read())) this.inc({ ...labels }, value);
      },
    });
  }
}

type HistogramValues = Awaited<ReturnType<Histogram<MetricLabel>['get']>>;

/** A histogram of prom-client whose counts live elsewhere: nothing can be set from outside, so reading is replaced. */
class ReadHistogram extends Histogram<MetricLabel> {
  /** Stays empty and unregistered: it lends the fields beside the values, which prom-client does not let us write. */
  readonly #shape: Histogram<MetricLabel>;
  readonly #metric: HistogramMetric;
  readonly #read: () => TelemetrySource;

  constructor(registry: Registry, metric: HistogramMetric, read: () => TelemetrySource) {
    const described = {
      name: PREFIX + metric.name,
      help: metric.help,
      labelNames: [...metric.labels],
      buckets: BUCKET_BOUNDS_MS.map(seconds),
    };
    super({ ...described, registers: [registry] });
    this.#shape = new Histogram({ ...described, registers: [] });
    this.#metric = metric;
    this.#read = read;
  }

  override get(): Promise<HistogramValues> {
    const name = PREFIX + this.#metric.name;
    const values = this.#metric.read(this.#read()).flatMap(({ labels, value }) => {
      const below = value.cumulative();
      const bucket = (le: number | string, count: number) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le },
        value: count,
      });
      return [
        ...BUCKET_BOUNDS_MS.map((boundMs, index) => bucket(seconds(boundMs), below[index] ?? 0)),
        bucket('+Inf', value.count),
        { metricName: `${name}_sum`, labels: { ...labels }, value: seconds(value.sumMs) },
        { metricName: `${name}_count`, labels: { ...labels }, value: value.count },
      ];
    });
    return this.#shape.get().then((own) => ({ ...own, values }));
  }

  /** What the registry calls, where it exists, in place of {@link get}. */
  getForPromString(): Promise<HistogramValues> {
    return this.get();
  }
}

function seconds(ms: number): number {
  return ms / 1_000;
}
