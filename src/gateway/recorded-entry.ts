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
    const { shadow, callerKey } = work;
    // In mode `observe` the request goes on, and only its shadow is turned away.
    const fate = shadow?.fate;
    const code = refusal?.code ?? (fate?.kind === 'shed' ? fate.code : undefined);
    if (code !== undefined) this.#log.turnAway(nowMs, (shadow ?? work).ticket, callerKey, code);
    return refusal;
  }
}
