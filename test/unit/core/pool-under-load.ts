import { AdaptiveLimit } from '../../../src/core/adaptive-limit.js';
import { seededRandom } from '../../load/random.js';

/** One request of the model: what it is, how long it holds its seat, and how it ends. */
export interface ModelRequest {
  readonly route?: string;
  readonly ms: number;
  readonly outcome?: 'done' | 'strained' | 'other';
}

/** What the model's server does at one instant with so much in flight, this request included. */
export type Server = (inFlight: number, nowMs: number, random: () => number) => ModelRequest;

interface Ending {
  readonly atMs: number;
  readonly startedAtMs: number;
  readonly request: ModelRequest;
}

/** A pool whose limit adapts, before a server that is a formula, in virtual time. */
export class PoolUnderLoad {
  readonly limit: AdaptiveLimit;
  /** Highest and lowest limit since {@link watch}. */
  seen: { least: number; most: number } = { least: Number.POSITIVE_INFINITY, most: 0 };
  /** Requests that ended by themselves since {@link watch}. */
  done = 0;
  readonly #random: () => number;
  readonly #seats: number;
  #endings: Ending[] = [];
  #nowMs = 0;
  #nextTickMs = 100;
  #nextArrivalMs = 0;

  constructor(seats: number, minSeats = 1, seed = 1) {
    this.#seats = seats;
    this.#random = seededRandom(seed);
    this.limit = new AdaptiveLimit(0, { seats, minSeats });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  quietMs(route = 'route'): number | undefined {
    return this.limit.references.get(route)?.quietMs;
  }

  /** Forgets the extremes and the count. */
  watch(): void {
    this.seen = { least: this.limit.limit, most: this.limit.limit };
    this.done = 0;
  }

  /** Runs for so long. `callers`: as many want a seat at any time; `perSecond`: Poisson arrivals, shed when full. */
  run(forMs: number, server: Server, load: { readonly callers: number } | { readonly perSecond: number }): void {
    const untilMs = this.#nowMs + forMs;
    if ('perSecond' in load) this.#nextArrivalMs = this.#nowMs + this.#pause(load.perSecond);
    while (this.#nowMs < untilMs) {
      if ('callers' in load)
        while (this.#endings.length < Math.min(load.callers, this.limit.limit)) this.#start(server);
      const arrivalMs = 'perSecond' in load ? this.#nextArrivalMs : Number.POSITIVE_INFINITY;
      const endingMs = this.#endings[0]?.atMs ?? Number.POSITIVE_INFINITY;
      this.#nowMs = Math.min(untilMs, arrivalMs, endingMs, this.#nextTickMs);
      if (this.#nowMs === this.#nextTickMs) this.#tick();
      else if (this.#nowMs === endingMs) this.#end();
      else if (this.#nowMs === arrivalMs && 'perSecond' in load) {
        this.#nextArrivalMs += this.#pause(load.perSecond);
        if (this.#endings.length < this.limit.limit) this.#start(server);
      }
    }
  }

  #pause(perSecond: number): number {
    return (-Math.log(1 - this.#random()) * 1_000) / perSecond;
  }

  #start(server: Server): void {
    const request = server(this.#endings.length + 1, this.#nowMs, this.#random);
    const ending = { atMs: this.#nowMs + request.ms, startedAtMs: this.#nowMs, request };
    const later = this.#endings.findIndex(({ atMs }) => atMs > ending.atMs);
    this.#endings.splice(later < 0 ? this.#endings.length : later, 0, ending);
  }

  #end(): void {
    const ending = this.#endings[0];
    if (ending === undefined) return;
    const { route = 'route', outcome = 'done' } = ending.request;
    const use = { seats: this.limit.limit, inFlight: this.#endings.length };
    this.limit.ended(this.#nowMs, route, this.#nowMs - ending.startedAtMs, outcome, use);
    if (outcome === 'done') this.done++;
    this.#endings.shift();
  }

  #tick(): void {
    this.#nextTickMs += 100;
    this.limit.control(this.#nowMs, { seats: this.limit.limit, inFlight: this.#endings.length });
    const { limit } = this.limit;
    if (limit > this.#seats) throw new Error('the limit is above the seats');
    this.seen = { least: Math.min(this.seen.least, limit), most: Math.max(this.seen.most, limit) };
  }
}

/** Work that does not mind how much of it there is: sleeping, or waiting for another server. */
export function sleeping(ms: number): Server {
  return (_inFlight, _nowMs, random) => ({ ms: ms * (0.9 + 0.2 * random()) });
}

/** Work that is done two at a time, and the worse the more wait for their turn: a hot row, or two cores. */
export function crowding(ms: number, at = 2): Server {
  return (inFlight, _nowMs, random) => {
    const turns = Math.max(1, inFlight / at);
    const lost = 1 + 0.03 * Math.max(0, inFlight - at);
    return { ms: ms * turns * lost * (0.8 + 0.4 * random()) };
  };
}
