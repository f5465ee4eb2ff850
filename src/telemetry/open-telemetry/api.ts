/**
 * The parts of `@opentelemetry/api` that are used, as shapes that its meters and tracers fit: so the package is needed
 * only by those who have one of them.
 */

/** Attributes of a measurement or a span. */
export type Attributes = Readonly<Record<string, string | number>>;

/** See `MetricOptions` of the API. */
export interface InstrumentOptions {
  readonly description?: string;
  readonly unit?: string;
  readonly advice?: { readonly explicitBucketBoundaries?: number[] };
}

/** Takes values one by one. */
export interface HistogramLike {
  record(value: number, attributes?: Attributes): void;
}

/** Given to the callback of {@link ObservableLike}. */
export interface ObservableResultLike {
  observe(value: number, attributes?: Attributes): void;
}

/** Asks for values when they are collected. */
export interface ObservableLike {
  addCallback(callback: (result: ObservableResultLike) => void): void;
  removeCallback(callback: (result: ObservableResultLike) => void): void;
}

/** A `Meter` of `@opentelemetry/api`. */
export interface MeterLike {
  createHistogram(name: string, options?: InstrumentOptions): HistogramLike;
  createObservableCounter(name: string, options?: InstrumentOptions): ObservableLike;
  createObservableGauge(name: string, options?: InstrumentOptions): ObservableLike;
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): ObservableLike;
}

/** See `SpanOptions` of the API. */
export interface SpanOptionsLike {
  readonly kind?: number;
  /** Milliseconds since 1970. */
  readonly startTime?: number;
  readonly attributes?: Attributes;
}

/** A `Span` of `@opentelemetry/api`. */
export interface SpanLike {
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  end(endTime?: number): void;
}

/** A `Tracer` of `@opentelemetry/api`. */
export interface TracerLike {
  startSpan(name: string, options?: SpanOptionsLike): SpanLike;
}

/** `SpanKind.INTERNAL` and `SpanKind.CLIENT`. */
export const INTERNAL = 0;
export const CLIENT = 2;
/** `SpanStatusCode.ERROR`. */
export const ERROR = 2;
