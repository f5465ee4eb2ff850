import { type Distribution, draw } from './distribution.js';
import type { Random } from './random.js';
import { seededRandom } from './random.js';
import { RatePlan } from './rate-plan.js';
import type { Drawn, RequestSource } from './request-source.js';
import type { Stream } from './scenario.js';
import type { SimulatedRoute } from './simulated-route.js';
import { TenantPicker } from './tenant-picker.js';

/** What takes nobody told how long. */
const USUAL_MS = 50;

/** The requests of one stream of a scenario, drawn by seed. */
export class StreamSource implements RequestSource {
  readonly stream: Stream;
  readonly route: SimulatedRoute;
  readonly service: Distribution;
  readonly retryRandom: Random;
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

  nextArrivalMs(afterMs: number): number {
    const mass = this.stream.arrivals === 'even' ? 1 : -Math.log(1 - this.#arrivals());
    return this.#plan.after(afterMs, mass);
  }

  draw(): Drawn {
    return this.#draw(this.#properties);
  }

  drawAgain(tenant: string | undefined): Drawn {
    return this.#draw(this.retryRandom, tenant);
  }

  #draw(random: Random, known?: string): Drawn {
    const { budget, cost, disconnects } = this.stream;
    // In this order: it decides which number goes where.
    const serviceMs = draw(this.service, random);
    const budgetMs = budget === undefined ? Number.POSITIVE_INFINITY : draw(budget, random);
    const tenant = known ?? this.#tenants?.pick(random);
    return {
      serviceMs,
      budgetMs,
      tenant,
      caller: tenant,
      seats: cost === undefined ? this.route.seats : Math.max(1, Math.ceil(draw(cost, random))),
      onTheWayMs: 0,
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
