import { CHANNELS } from './channels.js';
import { Histogram } from './histogram.js';

/** How long the connections of one pool took to open: counted, and told on the channel `sluice:connect`. */
export class PoolConnects {
  readonly times: Histogram = new Histogram();
  readonly #pool: string;

  constructor({ name }: { readonly name: string }) {
    this.#pool = name;
  }

  tell(durationMs: number): void {
    this.times.observe(durationMs);
    if (!CHANNELS['sluice:connect'].hasSubscribers) return;
    CHANNELS['sluice:connect'].publish({ source: this, pool: this.#pool, durationMs });
  }
}
