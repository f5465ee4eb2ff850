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
 * @returns Ends the report.
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
  if (meter !== undefined) {
    const measures = measure(meter, source);
    ends.push(listen(own, measures.listeners), measures.end);
  }
  if (tracer !== undefined) ends.push(listen(own, trace(tracer)));
  return () => {
    for (const end of ends.splice(0)) end();
  };
}

/** Listens to the messages of some sources. */
function listen(sources: ReadonlySet<object>, listeners: Listeners): () => void {
  const listening = Object.entries(listeners).map(([name, tell]) => {
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
  return () => {
    for (const end of listening) end();
  };
}
