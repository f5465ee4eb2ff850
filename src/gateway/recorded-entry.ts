import type { Refusal } from '../errors.js';
import type { DecisionLog } from '../telemetry/decision-log/decision-log.js';
import type { RequestWork } from './request-work.js';
import { RouteEntry } from './route-entry.js';

/** The way into a route that writes down whom it turns away, whoever in it decided so. */
export class RecordedEntry extends RouteEntry {
  readonly #log: DecisionLog;

  constructor(log: DecisionLog, ...parts: ConstructorParameters<typeof RouteEntry>) {
    super(...parts);
    this.#log = log;
  }

  override preflight(nowMs: number, work: RequestWork): Refusal | undefined {
    const refusal = super.preflight(nowMs, work);
    if (refusal !== undefined) this.#log.turnAway(nowMs, work.ticket, work.callerKey, refusal.code);
    return refusal;
  }
}
