import { outageGivenUp } from '../core/refusals.js';
import type { Refusal } from '../errors.js';
import { Agenda } from './agenda.js';
import { Call } from './call.js';
import { CallPath, type DecisionProbe } from './call-path.js';
import { LoopBlocks } from './loop-blocks.js';
import { type PoolTuner, TUNING_MS } from './pool-tuner.js';
import { type RecordedCalls, RecordedSource } from './recorded-source.js';
import type { RequestSource } from './request-source.js';
import type { Scenario } from './scenario.js';
import { scheduleEvents } from './scenario-events.js';
import type { GatewaySettings, PolicyFactory } from './settings.js';
import { SimulatedPool } from './simulated-pool.js';
import { SimulatedRoute } from './simulated-route.js';
import { StreamSource } from './stream-source.js';
import type { Tally } from './tally.js';

/** As in the gateway: a request cannot have waited unseen for longer. */
const LONGEST_UNSEEN_MS = 1_000;
/** After their deadlines nothing good can come of calls that are counted; so long they are waited for beyond it. */
const TAIL_MS = 10_000;

/** What one run needs. */
export interface SimulationInput {
  readonly scenario: Scenario;
  /** Requests that come beside those of the streams. */
  readonly recorded?: RecordedCalls | undefined;
  readonly gateway: GatewaySettings;
  readonly createPolicy: PolicyFactory;
  readonly seed: number;
  readonly tally: Tally;
  readonly probe?: DecisionProbe | undefined;
}

/**
 * One run of a scenario: the load, the clients and the database are events of virtual time; who is admitted is decided
 * by the code of the product.
 */
export class Simulation {
  readonly pools: ReadonlyMap<string, SimulatedPool>;
  readonly routes: ReadonlyMap<string, SimulatedRoute>;
  readonly #scenario: Scenario;
  readonly #tally: Tally;
  readonly #agenda: Agenda;
  readonly #path: CallPath;
  readonly #sources: readonly RequestSource[];
  #calls = 0;

  /** @throws RangeError when the load names a route that the gateway does not have. */
  constructor({ scenario, recorded, gateway, createPolicy, seed, tally, probe }: SimulationInput) {
    this.#scenario = scenario;
    this.#tally = tally;
    this.#agenda = new Agenda(new LoopBlocks(scenario.events.filter((event) => event.kind === 'loopBlock')));
    this.#path = new CallPath(scenario, this.#agenda, tally, probe, (nowMs, call, refusal) =>
      this.#retry(nowMs, call, refusal),
    );
    this.pools = new Map(
      gateway.pools.map((pool) => {
        const top = gateway.routes.some((route) => route.pool === pool.name && route.rank === 0);
        return [pool.name, new SimulatedPool(pool, createPolicy(pool, top))];
      }),
    );
    this.routes = new Map(
      gateway.routes.map((route) => [
        route.name,
        new SimulatedRoute(route, route.pool === undefined ? undefined : this.pools.get(route.pool)),
      ]),
    );
    const streams = scenario.streams.map((stream, place) => {
      const expectedMs = gateway.routes.find(({ name }) => name === stream.route)?.expectedMs;
      return new StreamSource(stream, place, this.#routeOf(stream.route), expectedMs, seed);
    });
    const recordings = [...(recorded ?? [])].map(
      ([name, calls]) => new RecordedSource(this.#routeOf(name), calls, seed),
    );
    this.#sources = [...streams, ...recordings];
  }

  /** Runs until every call that is counted has ended. Returns how many calls there were, counted or not. */
  run(): number {
    const { durationMs, events } = this.#scenario;
    scheduleEvents(events, this.#agenda, this);
    for (const source of this.#sources) this.#awaitArrival(source, 0);
    for (const pool of this.pools.values()) if (pool.tuner !== undefined) this.#tune(TUNING_MS, pool, pool.tuner);
    // The load goes on while the last of the counted calls are under way, so that these have no easier end.
    const longestMs = Math.max(0, ...Array.from(this.routes.values(), ({ deadlineMs }) => deadlineMs));
    const untilMs = durationMs + longestMs + TAIL_MS;
    this.#agenda.run((nowMs) => nowMs < durationMs || (this.#path.open > 0 && nowMs < untilMs));
    for (const pool of this.pools.values()) pool.shares.stop(durationMs);
    this.#tally.endRun();
    return this.#calls;
  }

  /** Seats may have become free. */
  handOut(nowMs: number, pool: SimulatedPool): void {
    this.#path.handOut(nowMs, pool);
  }

  /** The server of a pool is lost, with the work on it. */
  beginOutage(nowMs: number, pool: SimulatedPool): void {
    const { outage } = pool.policy;
    if (outage === undefined) throw new RangeError('this policy knows no outages');
    outage.begin(nowMs);
    for (const call of [...pool.running]) this.#path.release(nowMs, call, 'lost', true);
    if (outage.givenUpAtMs !== undefined) {
      this.#agenda.timer(outage.givenUpAtMs, (now) => this.#giveUpOutage(now, pool));
    }
  }

  /** The server of a pool answers again. */
  endOutage(nowMs: number, pool: SimulatedPool): void {
    pool.policy.endOutage?.(nowMs);
    this.handOut(nowMs, pool);
  }

  #routeOf(name: string): SimulatedRoute {
    const route = this.routes.get(name);
    if (route === undefined) throw new RangeError(`the gateway has no route "${name}"`);
    return route;
  }

  #tune(atMs: number, pool: SimulatedPool, tuner: PoolTuner): void {
    this.#agenda.timer(atMs, (nowMs) => {
      if (tuner.control(nowMs)) this.handOut(nowMs, pool);
      this.#tune(nowMs + TUNING_MS, pool, tuner);
    });
  }

  #giveUpOutage(nowMs: number, { policy }: SimulatedPool): void {
    if (policy.outage?.down !== true) return;
    const lastedMs = policy.outage.lastedMs(nowMs);
    for (let ticket = policy.anyQueued(); ticket !== undefined; ticket = policy.anyQueued()) {
      policy.withdraw(nowMs, ticket);
      this.#path.shed(nowMs, ticket.owner, outageGivenUp(nowMs, ticket, lastedMs));
    }
  }

  #awaitArrival(source: RequestSource, afterMs: number): void {
    this.#agenda.input(source.nextArrivalMs(afterMs), (nowMs, dueMs) => {
      this.#awaitArrival(source, dueMs);
      this.#arrive(nowMs, dueMs, source, undefined);
    });
  }

  #arrive(nowMs: number, dueMs: number, source: RequestSource, retryOf: Call | undefined): void {
    const drawn = retryOf === undefined ? source.draw() : source.drawAgain(retryOf.tenant);
    const { onTheWayMs } = drawn;
    const seenFromMs = Math.max(dueMs, nowMs - LONGEST_UNSEEN_MS) - onTheWayMs;
    const deadlineAtMs = seenFromMs + Math.min(source.route.deadlineMs, drawn.budgetMs);
    const call = new Call(source, drawn, 1 + (retryOf?.attempt ?? 0), dueMs - onTheWayMs, seenFromMs, deadlineAtMs);
    this.#calls++;
    this.#path.enter(nowMs, call);
    if (!call.ended) this.#agenda.input(dueMs + drawn.leavesAfterMs, (now) => this.#path.leave(now, call));
  }

  #retry(nowMs: number, call: Call, refusal: Refusal | undefined): void {
    const { stream, retryRandom } = call.source;
    const { retries } = stream;
    if (retries === undefined || call.attempt >= retries.attempts) return;
    const wait = retries.backoffMs * retries.factor ** (call.attempt - 1);
    const spread = 1 + retries.jitter * (2 * retryRandom() - 1);
    const told = retries.honourRetryAfter ? (refusal?.retryAfterMs ?? 0) : 0;
    this.#agenda.input(nowMs + Math.max(told, wait * spread), (now, dueMs) =>
      this.#arrive(now, dueMs, call.source, call),
    );
  }
}
