import type { Ending } from './ending.js';
import type { Engine } from './engine.js';

/** Whether the process should get traffic, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** Not before its pools were seen, not while draining, not over budget. */
export function readinessOf({ startUp, budget, pools }: Engine, ending: Ending): Readiness {
  const down = [...pools.values()].filter(({ pool }) => pool.state !== 'up').map(({ name }) => `"${name}"`);
  const allDown = down.length > 0 && down.length === pools.size;
  const reasons = [
    ending.begun.aborted ? 'draining' : undefined,
    startUp.overBudget,
    budget?.reason,
    allDown ? `no pool can reach its database: ${down.join(', ')}` : undefined,
  ].filter((reason) => reason !== undefined);
  return { ready: reasons.length === 0, reasons };
}
