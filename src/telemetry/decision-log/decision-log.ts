import type { Clock } from '../../clock.js';
import type { Archive } from '../../core/archive.js';
import type { Bulkhead } from '../../core/bulkhead.js';
import type { BulkheadOptions } from '../../core/bulkhead-parts.js';
import type { PriorityRank } from '../../core/priority.js';
import type { ServiceTimesOptions } from '../../core/service-times.js';
import type { Ticket } from '../../core/ticket.js';
import type { ErrorCode } from '../../errors.js';
import { Checkpoints, type Component } from './checkpoints.js';
import { headOf, KIND, MAX_SOURCES, NO_SLOT, PASSED, refusedAs } from './decision-record.js';
import { DecisionRing } from './decision-ring.js';
import { archiveGate, type LoggedRoute } from './gate-state.js';
import { KeyHash } from './key-hash.js';
import { encodeLog } from './log-document.js';
import type { GateSettings, RateSettings, RouteSettings } from './policy-settings.js';
import { RecordedBulkhead } from './recorded-bulkhead.js';
import { RecordedServiceTimes } from './recorded-service-times.js';
import { Recorder } from './recorder.js';
import { TicketSlots } from './ticket-slots.js';

/** What a {@link DecisionLog} is made with. */
export interface DecisionLogOptions {
  /** Records that are kept; at least seven eighths of them are always there. 48 bytes each. */
  readonly records: number;
  readonly clock: Clock;
  /** Two random 32-bit words, with which the keys of callers and tenants are hashed. */
  readonly secret: readonly [number, number];
}

/** A route as it is known when it is complete. */
export interface RouteEntry {
  readonly route: LoggedRoute;
  readonly rank: PriorityRank;
  /** The name of its seats. */
  readonly gate?: string | undefined;
}

/** Buckets of a route, as the log sees them. */
export interface LoggedBuckets {
  archive(io: Archive): void;
}

interface Gate extends GateSettings, Component {
  readonly routes: LoggedRoute[];
}

/**
 * Everything that the policy is told and decides, in a bounded ring, with the state of the policy at its head: what is
 * left can always be decided again. It makes the parts that write; what is not made by it is not logged.
 */
export class DecisionLog {
  readonly #recorder: Recorder;
  readonly #ring: DecisionRing;
  readonly #checkpoints: Checkpoints;
  readonly #gates: Gate[] = [];
  readonly #routes: (Partial<RouteSettings> & { readonly name: string })[] = [];

  constructor({ records, clock, secret }: DecisionLogOptions) {
    const hash = new KeyHash(secret);
    this.#ring = new DecisionRing(records, (segment) => this.#checkpoints.begin(segment));
    this.#checkpoints = new Checkpoints(clock, this.#ring, hash);
    this.#recorder = new Recorder(this.#ring, hash);
  }

  /** Records written since the start, those that are gone included. */
  get written(): number {
    return this.#ring.written;
  }

  /** How long the longest checkpoint took without a pause, in milliseconds. */
  get longestCheckpointMs(): number {
    return this.#checkpoints.longestMs;
  }

  /** Makes the bulkhead of a pool, or of a route that has seats of its own. */
  bulkhead<Owner>(name: string, options: BulkheadOptions): Bulkhead<Owner> {
    const place = bounded(this.#gates.length);
    const slots = new TicketSlots<Owner>();
    const bulkhead = new RecordedBulkhead<Owner>(options, this.#recorder, place, slots);
    const routes: LoggedRoute[] = [];
    // While a state is written nobody is made an owner of anything.
    const nobody = undefined as Owner;
    const archive = (io: Archive): void => archiveGate(io, { bulkhead, routes, slots: slots.tickets }, nobody);
    const gate: Gate = { kind: 'gate', place, name, options, routes, archive };
    this.#gates.push(gate);
    this.#checkpoints.add(gate);
    return bulkhead;
  }

  /** Makes the service times of a route. */
  times(route: string, options: ServiceTimesOptions): RecordedServiceTimes {
    const place = this.#placeOf(route);
    this.#note(place, { times: options });
    return new RecordedServiceTimes(options, this.#recorder, place);
  }

  /** The buckets of a route are there. Returns the place of the route. */
  addBuckets(route: string, rate: RateSettings, buckets: LoggedBuckets): number {
    const place = this.#placeOf(route);
    this.#note(place, { rate });
    this.#checkpoints.add({ kind: 'rate', place, archive: (io) => buckets.archive(io) });
    return place;
  }

  /** A route is complete. */
  addRoute({ route, rank, gate: seats }: RouteEntry): void {
    const { name, deadlineMs, maxQueued } = route;
    const place = this.#placeOf(name);
    const gate = this.#gates.find((each) => each.name === seats);
    this.#note(place, { rank, deadlineMs, maxQueued, gate: gate?.place });
    gate?.routes.push(route);
    this.#recorder.addRoute(route, place);
  }

  /** Tokens were asked for. `over`: which bucket had too few. */
  take(
    nowMs: number,
    route: number,
    key: string | undefined,
    cost: number,
    over: 'endpoint' | 'caller' | undefined,
  ): void {
    const decision = over === undefined ? PASSED : over === 'endpoint' ? 1 : 2;
    this.#putTokens(headOf(KIND.take, route, 0, decision), nowMs, key, cost);
  }

  /** Tokens were given back. */
  refund(nowMs: number, route: number, key: string | undefined, cost: number): void {
    this.#putTokens(headOf(KIND.refund, route), nowMs, key, cost);
  }

  /** A request was refused before its body. */
  turnAway(nowMs: number, ticket: Ticket<unknown>, key: string | undefined, code: ErrorCode): void {
    const { hash } = this.#recorder;
    const route = this.#routes.findIndex(({ name }) => name === ticket.route.name);
    hash.of(key);
    const head = headOf(KIND.turnAway, route, ticket.rank, refusedAs(code));
    this.#ring.put(head, nowMs, NO_SLOT, ticket.arrivedAtMs, ticket.deadlineAtMs, ticket.seats, hash.high, hash.low);
  }

  /** What is left, as a document that can be written to a file; see `decodeLog`. */
  document(mode: string): Uint8Array {
    const segment = this.#checkpoints.oldest();
    return encodeLog({
      mode,
      settings: {
        gates: this.#gates.map(({ name, options }) => ({ name, options })),
        routes: this.#routes.map((route) => ({ rank: 0, deadlineMs: 0, maxQueued: 0, times: {}, ...route })),
      },
      first: segment * this.#ring.perSegment,
      records: this.#ring.copyFrom(segment),
      checkpoints: this.#checkpoints.of(segment),
    });
  }

  #putTokens(head: number, nowMs: number, key: string | undefined, cost: number): void {
    const { hash } = this.#recorder;
    hash.of(key);
    this.#ring.put(head, nowMs, NO_SLOT, 0, 0, cost, hash.high, hash.low);
  }

  #placeOf(route: string): number {
    const place = this.#routes.findIndex(({ name }) => name === route);
    if (place !== -1) return place;
    return this.#routes.push({ name: route }) - 1;
  }

  #note(place: number, settings: Partial<RouteSettings>): void {
    const known = this.#routes[place];
    if (known !== undefined) this.#routes[bounded(place)] = { ...known, ...settings };
  }
}

function bounded(place: number): number {
  if (place < MAX_SOURCES) return place;
  throw new RangeError(`a decision log tells ${MAX_SOURCES} routes and pools apart, and there are more`);
}
