import type { Random } from './random.js';
import { seededRandom } from './random.js';
import type { Drawn, RequestSource } from './request-source.js';
import type { Stream } from './scenario.js';
import type { SimulatedRoute } from './simulated-route.js';

/** A request that really came. */
export interface RecordedCall extends Drawn {
  /** When it asked, since the beginning of the recording, in milliseconds. */
  readonly atMs: number;
}

/** The requests of a recording, by route, each in the order in which they asked. */
export type RecordedCalls = ReadonlyMap<string, readonly RecordedCall[]>;

/** Requests as they were recorded. Clients that tried again are in the recording already. */
export class RecordedSource implements RequestSource {
  readonly stream: Stream;
  readonly route: SimulatedRoute;
  readonly retryRandom: Random;
  readonly lockRandom: Random;
  readonly #calls: readonly RecordedCall[];
  /** Calls that were announced, and those that came. */
  #announced = 0;
  #came = 0;

  constructor(route: SimulatedRoute, calls: readonly RecordedCall[], seed: number) {
    this.stream = { route: route.name, arrivals: 'even', rate: [] };
    this.route = route;
    this.retryRandom = seededRandom(seed, `${route.name} retries`);
    this.lockRandom = seededRandom(seed, `${route.name} lock`);
    this.#calls = calls;
  }

  nextArrivalMs(): number {
    return this.#calls[this.#announced++]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  draw(): Drawn {
    const call = this.#calls[this.#came++];
    if (call === undefined) throw new RangeError(`the recording has no more requests of "${this.route.name}"`);
    return call;
  }

  drawAgain(): Drawn {
    throw new RangeError('clients of a recording try again only where they did');
  }
}
