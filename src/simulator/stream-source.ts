import { type Distribution, draw } from './distribution.js';
import type { Random } from './random.js';
import { seededRandom } from './random.js';
import { RatePlan } from './rate-plan.js';
import type { Stream } from './scenario.js';
import type { SimulatedRoute } from './simulated-route.js';
import { TenantPicker } from './tenant-picker.js';

/** What takes nobody told how long. */
const USUAL_MS = 50;

/** What one request is, as drawn at its arrival. */
export interface Drawn {
  readonly serviceMs: number;
  readonly budgetMs: number;
  readonly tenant: string | undefined;
  readonly seats: number;
  /** Milliseconds after the arrival at which the client goes away; `Infinity` when it does not. */
  readonly leavesAfterMs: number;
}

/** The requests of one stream, as they come: the same for every policy that is tried on them. */
export class StreamSource {
  readonly stream: Stream;
  readonly route: SimulatedRoute;
  readonly service: Distribution;
  /** Its own numbers, so that retries leave those of the first attempts as they were. */
  readonly retryRandom: Random;
  /** Its own numbers too: holds of a lock are drawn in the order in which it is had, which depends on the policy. */
  readonly lockRandom: Random;
  readonly #plan: RatePlan;
  readonly #arrivals: Random;
  readonly #properties: Random;
  readonly #tenants: TenantPicker | undefined;

  constructor(stream: Stream, place: number, route: SimulatedRoute, expectedMs: number | undefined, seed: number) {
    const name = stream.name ?? `${stream.route}#${place}`;
    this.stream = stream;
    this.route = route;
    this.service = stream.service ?? usualService(expectedMs);
    this.#plan = new RatePlan(stream.rate);
    this.#arrivals = seededRandom(seed, `${name} arrivals`);
    this.#properties = seededRandom(seed, `${name} properties`);
    this.retryRandom = seededRandom(seed, `${name} retries`);
    this.lockRandom = seededRandom(seed, `${name} lock`);
    this.#tenants = stream.tenants && new TenantPicker(stream.tenants);
  }

  /** When the next request arrives; `Infinity` when none does. */
  nextArrivalMs(afterMs: number): number {
    const mass = this.stream.arrivals === 'even' ? 1 : -Math.log(1 - this.#arrivals());
    return this.#plan.after(afterMs, mass);
  }

  /** A request, as far as it depends on chance. */
  draw(random: Random = this.#properties, tenant?: string): Drawn {
    const { budget, cost, disconnects } = this.stream;
    return {
      serviceMs: draw(this.service, random),
      budgetMs: budget === undefined ? Number.POSITIVE_INFINITY : draw(budget, random),
      tenant: tenant ?? this.#tenants?.pick(random),
      seats: cost === undefined ? this.route.seats : Math.max(1, Math.ceil(draw(cost, random))),
      leavesAfterMs:
        disconnects !== undefined && random() < disconnects.share
          ? draw(disconnects.after, random)
          : Number.POSITIVE_INFINITY,
    };
  }
}

/** What is assumed of a stream that does not say how long its requests take. */
export function usualService(expectedMs: number | undefined): Distribution {
  return { kind: 'exponential', meanMs: expectedMs ?? USUAL_MS };
}
