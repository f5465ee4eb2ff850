import type { QueryMessage, RequestMessage } from '../channels.js';

// What is said of each message is the same for all of a route, or of one kind of its statements: it is made once, for
// objects that are put together anew are most of what telemetry would cost a request.

/** Makes something once for all messages of a route. */
export function remembered<Value extends object>(
  make: (message: RequestMessage) => Value,
): (message: RequestMessage) => Value {
  const made = new WeakMap<object, Value>();
  return (message) => {
    const known = made.get(message.source);
    if (known !== undefined) return known;
    const value = make(message);
    made.set(message.source, value);
    return value;
  };
}

/** Makes something once for all statements of a route that begin with the same word; there are some thirty words. */
export function rememberedByOperation<Value extends object>(
  make: (message: QueryMessage) => Value,
): (message: QueryMessage) => Value {
  const ofRoute = remembered(() => new Map<string, Value>());
  return (message) => {
    const byOperation = ofRoute(message);
    const known = byOperation.get(message.operation);
    if (known !== undefined) return known;
    const value = make(message);
    byOperation.set(message.operation, value);
    return value;
  };
}
