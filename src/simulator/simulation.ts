import { rankOf } from '../core/priority.js';
import { databaseUnavailable, deadlineUnreachable, expiredInQueue } from '../core/refusals.js';
import type { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import { Agenda } from './agenda.js';
import { Call, type Ending } from './call.js';
import { draw } from './distribution.js';
import { LockLine } from './lock-line.js';
import { LoopBlocks } from './loop-blocks.js';
import type { Scenario } from './scenario.js';
import { scheduleEvents } from './scenario-events.js';
import type { GatewaySettings, PolicyFactory } from './settings.js';
import { SimulatedPool } from './simulated-pool.js';
import { SimulatedRoute } from './simulated-route.js';
import { StreamSource } from './stream-source.js';
import type { Tally } from './tally.js';

/** As in the gateway: a request cannot have waited unseen for longer. */
const LONGEST_UNSEEN_MS = 1_000;
/** Calls that are counted are waited for, but not for ever. */
const LONGEST_TAIL_MS = 3_600_000;

/** What one run needs. */
export interface SimulationInput {
  readonly scenario: Scenario;
  readonly gateway: GatewaySettings;
  readonly createPolicy: PolicyFactory;
  readonly seed: number;
  readonly tally: Tally;
  /** Called before and after some of the decisions, to measure what they cost. */
  readonly probe?: { begin(): void; end(): void } | undefined;
}

/**
 * One run of a scenario: the load, the clients and the database are events of virtual time; who is admitted is decided
 * by the code of the product. The order of the calls to it is that of the gateway's own path of a request.
 */
export class Simulation {
  readonly #scenario: Scenario;
  readonly #tally: Tally;
  readonly #agenda: Agenda;
  readonly #probe: SimulationInput['probe'];
  readonly #sources: readonly StreamSource[];
  readonly #locks = new Map<string, LockLine>();
  readonly pools: ReadonlyMap<string, SimulatedPool>;
  readonly routes: ReadonlyMap<string, SimulatedRoute>;
  /** Calls that are counted and have not ended. */
  #open = 0;
  #calls = 0;

  constructor({ scenario, gateway, createPolicy, seed, tally, probe }: SimulationInput) {
    this.#scenario = scenario;
    this.#tally = tally;
    this.#probe = probe;
    this.#agenda = new Agenda(new LoopBlocks(scenario.events.filter((event) => event.kind === 'loopBlock')));
    this.pools = new Map(
      gateway.pools.map((pool) => {
        const top = gateway.routes.some((route) => route.pool === pool.name && route.rank === 0);
        return [pool.name, new SimulatedPool(pool, createPolicy(pool, top))];
      }),
    );
    this.routes = new Map(
      gateway.routes.map((route) => [route.name, new SimulatedRoute(route, this.#poolNamed(route.pool))]),
    );
    this.#sources = scenario.streams.map((stream, place) => {
      const route = this.routes.get(stream.route);
      if (route === undefined) throw new RangeError(`the gateway has no route "${stream.route}"`);
      const expectedMs = gateway.routes.find(({ name }) => name === stream.route)?.expectedMs;
      return new StreamSource(stream, place, route, expectedMs, seed);
    });
  }

  /** Runs until every call that is counted has ended. Returns how many calls there were, counted or not. */
  run(): number {
    const { durationMs } = this.#scenario;
    scheduleEvents(this.#scenario.events, this.#agenda, this);
    for (const source of this.#sources) this.#awaitArrival(source, 0);
    // The load goes on while the last of the counted calls are under way, so that these have no easier end.
    this.#agenda.run((nowMs) => nowMs < durationMs || (this.#open > 0 && nowMs < durationMs + LONGEST_TAIL_MS));
    for (const pool of this.pools.values()) pool.shares.stop(durationMs);
    this.#tally.endRun();
    return this.#calls;
  }

  /** A seat may have become free, or a ticket's waiting may have ended. */
  handOut(nowMs: number, pool: SimulatedPool): void {
    for (;;) {
      const ticket = pool.policy.next(nowMs);
      if (ticket === undefined) return;
      if (ticket.refusal === undefined) this.#start(nowMs, ticket.owner);
      else this.#shed(nowMs, ticket.owner, ticket.refusal);
    }
  }

  /** The server of a pool is lost, with the work on it. */
  beginOutage(nowMs: number, pool: SimulatedPool): void {
    const { outage } = pool.policy;
    if (outage === undefined) throw new RangeError('this policy knows no outages');
    outage.begin(nowMs);
    for (const call of [...pool.running]) this.#release(nowMs, call, 'lost', true);
    if (outage.givenUpAtMs !== undefined)
      this.#agenda.timer(outage.givenUpAtMs, (now) => this.#giveUpOutage(now, pool));
  }

  /** The server of a pool answers again. */
  endOutage(nowMs: number, pool: SimulatedPool): void {
    pool.policy.endOutage?.(nowMs);
    this.handOut(nowMs, pool);
  }

  #giveUpOutage(nowMs: number, pool: SimulatedPool): void {
    const { policy } = pool;
    if (policy.outage?.down !== true) return;
    const downMs = Math.round(policy.outage.lastedMs(nowMs));
    for (let ticket = policy.anyQueued(); ticket !== undefined; ticket = policy.anyQueued()) {
      policy.withdraw(nowMs, ticket);
      this.#shed(nowMs, ticket.owner, databaseUnavailable({ route: ticket.route.name, down_for_ms: downMs }, 1_000));
    }
  }

  #poolNamed(name: string | undefined): SimulatedPool | undefined {
    return name === undefined ? undefined : this.pools.get(name);
  }

  #awaitArrival(source: StreamSource, afterMs: number): void {
    this.#agenda.input(source.nextArrivalMs(afterMs), (nowMs, dueMs) => {
      this.#awaitArrival(source, dueMs);
      this.#arrive(nowMs, dueMs, source, 1, undefined);
    });
  }

  #arrive(nowMs: number, dueMs: number, source: StreamSource, attempt: number, retryOf: Call | undefined): void {
    const drawn = retryOf === undefined ? source.draw() : source.draw(source.retryRandom, retryOf.tenant);
    const { route } = source;
    const arrivedAtMs = Math.max(dueMs, nowMs - LONGEST_UNSEEN_MS);
    const deadlineAtMs = arrivedAtMs + Math.min(route.deadlineMs, drawn.budgetMs);
    const call = new Call(source, drawn, attempt, dueMs, arrivedAtMs, deadlineAtMs);
    this.#calls++;
    if (this.#tally.counts(call)) this.#open++;
    this.#tally.offer(call);
    this.#enter(nowMs, call);
    if (!call.ended) this.#agenda.input(dueMs + drawn.leavesAfterMs, (now) => this.#leave(now, call));
  }

  #enter(nowMs: number, call: Call): void {
    const { pool } = call.route;
    const measured = this.#calls % 64 === 0 ? this.#probe : undefined;
    measured?.begin();
    const arrival = this.#decide(nowMs, call);
    measured?.end();
    if (arrival === 'queued') this.#queue(nowMs, call);
    else if (arrival === 'leased') this.#start(nowMs, call);
    else this.#shed(nowMs, call, arrival);
    // An arrival may have evicted or displaced somebody.
    if (pool !== undefined && pool.policy.queued > 0) this.handOut(nowMs, pool);
  }

  #decide(nowMs: number, call: Call): 'leased' | 'queued' | Refusal {
    const { route, ticket, tenant } = call;
    const timeLeftMs = ticket.deadlineAtMs - nowMs;
    if (timeLeftMs <= 0) return deadlineUnreachable(route.name, timeLeftMs, 0, route.times.p50(nowMs));
    const refusal = route.pool?.policy.preflight(nowMs, ticket) ?? route.take(nowMs, tenant);
    if (refusal !== undefined) return refusal;
    call.charged = true;
    return route.pool?.policy.arrive(nowMs, ticket) ?? leaseWithoutPool(nowMs, ticket);
  }

  #queue(nowMs: number, call: Call): void {
    const { ticket, route } = call;
    call.wasQueued = true;
    route.pool?.noteQueue(nowMs, call);
    const latestStartMs = Math.max(nowMs, ticket.deadlineAtMs - route.times.p90(nowMs));
    const atMs = route.pool?.policy.givesUpAtMs?.(nowMs, ticket) ?? latestStartMs;
    this.#agenda.timer(atMs, (now) => this.#giveUp(now, call));
  }

  #giveUp(nowMs: number, call: Call): void {
    const { ticket, route } = call;
    if (ticket.state !== 'queued') return;
    const refusal =
      nowMs >= ticket.deadlineAtMs
        ? expiredInQueue(route.name, nowMs - ticket.queuedAtMs)
        : deadlineUnreachable(route.name, ticket.deadlineAtMs - nowMs, 0, route.times.p90(nowMs));
    route.pool?.policy.withdraw(nowMs, ticket);
    this.#shed(nowMs, call, refusal);
  }

  #start(nowMs: number, call: Call): void {
    const { pool, rank } = call.route;
    if (call.wasQueued) pool?.shares.queue(nowMs, rank, -1);
    this.#noteWait(nowMs, call);
    pool?.running.add(call);
    pool?.shares.lease(nowMs, rank, call.seats);
    const workedAtMs = nowMs + call.serviceMs * (pool?.slowness(nowMs) ?? 1);
    const { deadlineAtMs } = call.ticket;
    const mayWaitOn = call.source.stream.lock !== undefined;
    if (this.#scenario.cancelAtDeadline && (mayWaitOn || workedAtMs > deadlineAtMs)) {
      this.#agenda.timer(deadlineAtMs, (now) => this.#cutShort(now, call));
      if (!mayWaitOn) return;
    }
    this.#agenda.input(workedAtMs, (now) => this.#worked(now, call));
  }

  /** The part of the work that needs no lock is done. */
  #worked(nowMs: number, call: Call): void {
    const { lock } = call.source.stream;
    if (call.ended) return;
    if (lock === undefined) this.#answer(nowMs, call);
    else if (this.#lockNamed(lock.name).ask(call)) this.#hold(nowMs, call);
  }

  #hold(nowMs: number, call: Call): void {
    const { lock } = call.source.stream;
    if (lock === undefined) return;
    const contention = 1 + lock.costPerWaiter * this.#lockNamed(lock.name).waiting;
    const holdMs = draw(lock.hold, call.source.lockRandom) * contention * (call.route.pool?.slowness(nowMs) ?? 1);
    this.#agenda.input(nowMs + holdMs, (now) => {
      if (!call.ended) this.#answer(now, call);
    });
  }

  /** The answer is complete, or a streamed one begins. */
  #answer(nowMs: number, call: Call): void {
    const { reading } = call.source.stream;
    const ending = nowMs <= call.ticket.deadlineAtMs ? 'good' : 'late';
    if (reading?.holdsSeat !== true) return this.#release(nowMs, call, ending, false);
    call.ended = true;
    this.#freeLock(nowMs, call);
    const answeredAtMs = nowMs;
    this.#agenda.input(nowMs + draw(reading.time, call.source.retryRandom), (now) => {
      call.ended = false;
      this.#release(now, call, ending, false, answeredAtMs);
    });
  }

  #cutShort(nowMs: number, call: Call): void {
    if (!call.ended) this.#release(nowMs, call, 'late', true);
  }

  #leave(nowMs: number, call: Call): void {
    if (call.ended) return;
    const { route, ticket } = call;
    if (ticket.state === 'queued') {
      route.pool?.policy.withdraw(nowMs, ticket);
      route.pool?.shares.queue(nowMs, route.rank, -1);
      this.#end(nowMs, call, 'left', 0);
    } else if (route.cancelOnDisconnect) {
      this.#release(nowMs, call, 'left', true);
    }
  }

  /** Ends the work of a call and gives its seat back. */
  #release(nowMs: number, call: Call, ending: Ending, cutShort: boolean, answeredAtMs: number = nowMs): void {
    const { route, ticket } = call;
    const { pool } = route;
    const heldMs = nowMs - ticket.leasedAtMs;
    if (pool?.policy.outage?.down !== true) {
      if (cutShort) route.times.recordCensored(nowMs, heldMs);
      else route.times.record(nowMs, heldMs);
    }
    this.#end(answeredAtMs, call, ending, heldMs);
    this.#freeLock(nowMs, call);
    if (pool === undefined) return;
    pool.running.delete(call);
    pool.shares.lease(nowMs, route.rank, -call.seats);
    pool.policy.release(nowMs, ticket);
    if (pool.policy.queued > 0) this.handOut(nowMs, pool);
  }

  #freeLock(nowMs: number, call: Call): void {
    const { lock } = call.source.stream;
    const next = lock === undefined ? undefined : this.#lockNamed(lock.name).leave(call);
    if (next !== undefined) this.#hold(nowMs, next);
  }

  #shed(nowMs: number, call: Call, refusal: Refusal): void {
    const { route, tenant } = call;
    if (call.wasQueued) {
      route.pool?.shares.queue(nowMs, route.rank, -1);
      this.#noteWait(nowMs, call);
    }
    if (call.charged) route.refund(nowMs, tenant);
    call.ticket.state = 'ended';
    this.#end(nowMs, call, 'shed', 0, refusal);
  }

  #end(nowMs: number, call: Call, ending: Ending, heldMs: number, refusal?: Refusal): void {
    call.ended = true;
    if (this.#tally.counts(call)) this.#open--;
    this.#tally.end(call, ending, nowMs, heldMs, refusal);
    if (ending !== 'good' && ending !== 'left') this.#retry(nowMs, call, refusal);
  }

  #retry(nowMs: number, call: Call, refusal: Refusal | undefined): void {
    const { stream, retryRandom } = call.source;
    const { retries } = stream;
    if (retries === undefined || call.attempt >= retries.attempts) return;
    const wait = retries.backoffMs * retries.factor ** (call.attempt - 1);
    const spread = 1 + retries.jitter * (2 * retryRandom() - 1);
    const told = retries.honourRetryAfter ? (refusal?.retryAfterMs ?? 0) : 0;
    this.#agenda.input(nowMs + Math.max(told, wait * spread), (now, dueMs) =>
      this.#arrive(now, dueMs, call.source, call.attempt + 1, call),
    );
  }

  #noteWait(nowMs: number, call: Call): void {
    const { reclaim } = this.#scenario;
    if (reclaim !== undefined && call.route.rank === rankOf(reclaim.class)) this.#tally.waited(call, nowMs);
  }

  #lockNamed(name: string): LockLine {
    let line = this.#locks.get(name);
    if (line === undefined) {
      line = new LockLine();
      this.#locks.set(name, line);
    }
    return line;
  }
}

/** Where there is no pool, nobody has to give a seat. */
function leaseWithoutPool(nowMs: number, ticket: Ticket<Call>): 'leased' {
  ticket.state = 'leased';
  ticket.leasedAtMs = nowMs;
  return 'leased';
}
