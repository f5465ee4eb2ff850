import { AsyncResource } from 'node:async_hooks';
import type { AdmissionMessage, RequestMessage } from '../channels.js';
import { unheard } from '../quietly.js';
import { type Attributes, CLIENT, ERROR, INTERNAL, type TracerLike } from './api.js';
import { errorType } from './error-type.js';
import type { Listeners } from './instrument.js';
import { remembered, rememberedByOperation } from './remembered.js';

/** What a span is made of, once it is over. */
interface Past {
  readonly name: string;
  readonly kind: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  /** Its type, if it failed. */
  readonly failure: string | undefined;
}

/**
 * Makes spans of messages, each when it is over: below the span that is active in the request. Waits of no length get
 * none, so a request that found a seat and a connection costs the spans of its statements alone.
 */
export function trace(tracer: TracerLike): Listeners {
  /** The contexts of requests that wait: whoever makes room for them has another. */
  const waiting = new WeakMap<object, { readonly context: AsyncResource; readonly sinceMs: number }>();
  const attributesOf = remembered(of);
  const statement = rememberedByOperation((message) => ({
    name: `${message.operation} ${message.pool ?? ''}`,
    attributes: { ...of(message), 'db.system.name': message.system, 'db.operation.name': message.operation },
  }));
  return {
    'sluice:queued': ({ request }) => {
      waiting.set(request, { context: new AsyncResource('SluiceSpan'), sinceMs: performance.now() });
    },
    'sluice:admission': (message) => {
      const wait = waiting.get(message.request);
      waiting.delete(message.request);
      if (wait === undefined && message.result === 'acquired') return;
      const durationMs = wait === undefined ? 0 : performance.now() - wait.sinceMs;
      const span = admission(message, durationMs);
      if (wait === undefined) report(tracer, span);
      else wait.context.runInAsyncScope(report, undefined, tracer, span);
    },
    'sluice:acquire': (message) => {
      const { waitMs: durationMs, error } = message;
      if (durationMs === 0 && error === undefined) return;
      report(tracer, {
        name: 'sluice.acquire',
        kind: INTERNAL,
        durationMs,
        attributes: attributesOf(message),
        failure: failing(error),
      });
    },
    'sluice:query': (message) => {
      const { durationMs, error } = message;
      const { name, attributes } = statement(message);
      report(tracer, { name, kind: CLIENT, durationMs, attributes, failure: failing(error) });
    },
  };
}

function admission(message: AdmissionMessage, durationMs: number): Past {
  const { result, refusal } = message;
  const measured = Object.entries(refusal?.measured ?? {}).map(([key, value]) => [`sluice.measured.${key}`, value]);
  return {
    name: 'sluice.queue',
    kind: INTERNAL,
    durationMs,
    attributes: { ...of(message), 'sluice.result': result, ...Object.fromEntries(measured) },
    failure: result === 'acquired' ? undefined : result,
  };
}

function report(tracer: TracerLike, { name, kind, durationMs, attributes, failure }: Past): void {
  const endTime = Date.now();
  const told = failure === undefined ? attributes : { ...attributes, 'error.type': failure };
  const span = tracer.startSpan(name, { kind, startTime: endTime - durationMs, attributes: told });
  if (failure !== undefined) unheard(span.setStatus({ code: ERROR, message: failure }));
  unheard(span.end(endTime));
}

function failing(error: unknown): string | undefined {
  return error === undefined ? undefined : errorType(error);
}

function of({ route, priority, pool }: RequestMessage): Attributes {
  const attributes = { 'sluice.route': route, 'sluice.class': priority };
  return pool === undefined ? attributes : { ...attributes, 'db.client.connection.pool.name': pool };
}
