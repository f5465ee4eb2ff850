import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ChannelMessages, ChannelName } from '../channels.js';
import type { TelemetrySource } from '../source.js';
import type { MeterLike, TracerLike } from './api.js';
import { measure } from './measures.js';
import { trace } from './spans.js';

/** What {@link instrument} reports to: at least one of them. */
export interface InstrumentOptions {
  /** A `Meter` of `@opentelemetry/api`. */
  readonly meter?: MeterLike;
  /** A `Tracer` of `@opentelemetry/api`. */
  readonly tracer?: TracerLike;
}

/** The part of a gateway that is reported of. */
export interface Instrumented {
  /** @internal */
  telemetry(): TelemetrySource;
}

/** What hears of messages, by the name of the channel. */
export type Listeners = { readonly [Name in ChannelName]?: (message: ChannelMessages[Name]) => void };

/**
 * Reports a gateway to OpenTelemetry: measures by its names for database clients, those of rate limiting in the form
 * of ASP.NET Core's, and spans for waiting in the queue, for a connection, and for statements.
 *
 * A meter or a tracer that throws or rejects is left alone: it does not reach the requests.
 *
 * @returns Ends the report: all of it, even where the meter throws while its callbacks are taken back. What it threw is
 *   then thrown as an AggregateError; a second call does nothing.
 * @throws TypeError without meter and tracer.
 */
export function instrument(gateway: Instrumented, { meter, tracer }: InstrumentOptions): () => void {
  if (meter === undefined && tracer === undefined) {
    throw new TypeError('instrument() needs { meter } or { tracer }, of @opentelemetry/api');
  }
  const source = (): TelemetrySource => gateway.telemetry();
  const own = new Set<object>([
    ...Array.from(source().routes(), ({ stats }) => stats),
    ...Array.from(source().pools(), ({ connects }) => connects),
  ]);
  const ends: (() => void)[] = [];
  try {
    if (meter !== undefined) ends.push(...listen(own, measure(meter, source, ends)));
    if (tracer !== undefined) ends.push(...listen(own, trace(tracer)));
  } catch (error) {
    // What it said first is what is wrong.
    endAll(ends);
    throw error;
  }
  return () => {
    const errors = endAll(ends.splice(0));
    if (errors.length === 0) return;
    const told = [...new Set(errors.map((error) => (error instanceof Error ? error.message : String(error))))].join(
      '; ',
    );
    throw new AggregateError(errors, `the report has ended, but the meter kept ${errors.length} callbacks: ${told}`);
  };
}

/** Calls all of them, and gives back what they threw. */
function endAll(ends: readonly (() => void)[]): unknown[] {
  const errors: unknown[] = [];
  for (const end of ends) {
    try {
      end();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

/** Listens to the messages of some sources, until the functions that it gives back are called. */
function listen(sources: ReadonlySet<object>, listeners: Listeners): (() => void)[] {
  return Object.entries(listeners).map(([name, tell]) => {
    const hear = (message: unknown): void => {
      // The channels' types say what comes; the name and the listener belong together by the type of `listeners`.
      const known = message as ChannelMessages[ChannelName];
      if (!sources.has(known.source)) return;
      try {
        (tell as (message: ChannelMessages[ChannelName]) => void)(known);
      } catch {
        // Telemetry that fails must not fail requests, and there is nobody on their path to tell.
      }
    };
    subscribe(name, hear);
    return () => unsubscribe(name, hear);
  });
}
