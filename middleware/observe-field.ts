import type { ServerResponse } from 'node:http';
import type { Clock } from '../src/clock.js';
import type { RequestWork } from '../src/gateway/request-work.js';
import type { ShadowFate } from '../src/gateway/shadow-ledger.js';

/**
 * Mode `observe`: the name of the field that tells what mode `enforce` would have done with a request, as far as it is
 * known when the headers of its answer are written. An Item of Structured Field Values (RFC 9651), a Token with one
 * Integer or Token as a parameter:
 *
 * ```
 * Sluice-Observe: admit                         a seat at once
 * Sluice-Observe: admit; wait=35                a seat after so many milliseconds in the queue
 * Sluice-Observe: queued; predicted-wait=120    still queued; so many milliseconds were predicted when it was
 * Sluice-Observe: shed; code=queue_full         refused, or cut short at its deadline, with this error code
 * ```
 *
 * Without a field nothing was decided: the request was answered before it was admitted.
 */
export const OBSERVE_FIELD = 'Sluice-Observe';

/** The value of {@link OBSERVE_FIELD}. */
export function observeField(fate: ShadowFate): string {
  switch (fate.kind) {
    case 'admit':
      return fate.waitMs > 0 ? `admit; wait=${Math.round(fate.waitMs)}` : 'admit';
    case 'queued':
      return `queued; predicted-wait=${Math.round(fate.predictedWaitMs)}`;
    case 'shed':
      return `shed; code=${fate.code}`;
  }
}

/** Sets the field when the headers are written: until then more becomes known. */
export function tellShadow(res: ServerResponse, work: RequestWork, clock: Clock): void {
  const { writeHead } = res;
  res.writeHead = function observed(this: ServerResponse, ...args: Parameters<typeof writeHead>): ServerResponse {
    const fate = work.shadow?.fateAt(clock.nowMs());
    if (fate !== undefined && !res.headersSent) res.setHeader(OBSERVE_FIELD, observeField(fate));
    return writeHead.apply(res, args);
  } as typeof writeHead;
}
