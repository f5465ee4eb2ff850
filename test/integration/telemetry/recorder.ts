import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  createNoopMeter,
  type Histogram,
  type Meter,
  type Observable,
  type ObservableCallback,
  ProxyTracerProvider,
  type Span,
  type SpanOptions,
  type SpanStatus,
  type Tracer,
} from '@opentelemetry/api';

/** One span that was ended. */
export interface RecordedSpan {
  readonly name: string;
  readonly kind: number | undefined;
  readonly attributes: Attributes;
  readonly status: SpanStatus | undefined;
  readonly durationMs: number;
  /** What stood in {@link activeSpan} when it was made: a context manager would take its parent from there. */
  readonly parent: string | undefined;
}

/** Stands for the active span, as the context manager of the SDK keeps it. */
export const activeSpan: AsyncLocalStorage<string> = new AsyncLocalStorage<string>();

/** A meter of its own: the one that the API hands out is the same for all. */
export function silentMeter(): Meter {
  return Object.create(createNoopMeter()) as Meter;
}

/** A tracer of the API that keeps what it is told: the SDK, which would send it, is no dependency. */
export function recordingTracer(): { tracer: Tracer; spans: RecordedSpan[] } {
  const spans: RecordedSpan[] = [];
  const silent = new ProxyTracerProvider().getTracer('none');
  const startSpan = (name: string, options: SpanOptions = {}): Span => {
    const span = silent.startSpan(name);
    const parent = activeSpan.getStore();
    let status: SpanStatus | undefined;
    return Object.assign(span, {
      setStatus: (told: SpanStatus) => {
        status = told;
        return span;
      },
      end: (endTime?: unknown) => {
        const durationMs = Number(endTime) - Number(options.startTime);
        spans.push({ name, kind: options.kind, attributes: options.attributes ?? {}, status, durationMs, parent });
      },
    });
  };
  return { tracer: { startSpan, startActiveSpan: silent.startActiveSpan.bind(silent) }, spans };
}

/** A meter of the API that keeps what it is told. */
export class RecordingMeter {
  readonly units: Map<string, string | undefined> = new Map();
  readonly recorded: { readonly name: string; readonly value: number; readonly attributes: Attributes }[] = [];
  readonly #callbacks = new Map<string, Set<ObservableCallback>>();
  readonly meter: Meter;

  constructor() {
    const observable = (name: string, options?: { unit?: string }): Observable => {
      this.units.set(name, options?.unit);
      const callbacks = new Set<ObservableCallback>();
      this.#callbacks.set(name, callbacks);
      return {
        addCallback: (callback) => callbacks.add(callback),
        removeCallback: (callback) => callbacks.delete(callback),
      };
    };
    const histogram = (name: string, options?: { unit?: string }): Histogram => {
      this.units.set(name, options?.unit);
      return { record: (value, attributes = {}) => this.recorded.push({ name, value, attributes }) };
    };
    this.meter = Object.assign(silentMeter(), {
      createHistogram: histogram,
      createObservableCounter: observable,
      createObservableGauge: observable,
      createObservableUpDownCounter: observable,
    });
  }

  /** Values of one histogram whose attributes include these. */
  values(name: string, attributes: Attributes = {}): number[] {
    return this.recorded
      .filter((entry) => entry.name === name)
      .filter((entry) => Object.entries(attributes).every(([key, value]) => entry.attributes[key] === value))
      .map(({ value }) => value);
  }

  /** Collects once, as a reader does; one line a series. */
  collect(name: string): { readonly value: number; readonly attributes: Attributes }[] {
    const seen: { value: number; attributes: Attributes }[] = [];
    const result = { observe: (value: number, attributes: Attributes = {}) => seen.push({ value, attributes }) };
    for (const callback of this.#callbacks.get(name) ?? []) callback(result);
    return seen;
  }
}
