import { Durations } from '../latency.js';
import { type Random, seededRandom, seedFor } from '../random.js';
import { requestMaker } from '../request-text.js';
import { Client } from './client.js';
import {
  type ClientRequest,
  type ClientsPlan,
  type ClientsResult,
  type ClientTally,
  PHASES,
  type Phase,
} from './plan.js';

/** The counts of one kind of request in one phase. */
class Counts {
  sent = 0;
  readonly #statuses: Record<string, number> = {};
  readonly #codes: Record<string, number> = {};
  readonly #unanswered: Record<string, number> = {};
  readonly #good = new Durations();

  answered(status: number, code: string, tookMs: number): void {
    count(this.#statuses, String(status));
    if (code !== '') count(this.#codes, code);
    if (status < 300) this.#good.add(tookMs);
  }

  unanswered(why: string): void {
    count(this.#unanswered, why);
  }

  tally(name: string, phase: Phase): ClientTally {
    const { sent } = this;
    return {
      name,
      phase,
      sent,
      statuses: this.#statuses,
      codes: this.#codes,
      latency: this.#good.summary(),
      unanswered: this.#unanswered,
    };
  }
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/** Runs a crowd in this process to its end. Every part of it is bounded. */
export function runClients(plan: ClientsPlan): Promise<ClientsResult> {
  return new Promise((resolve) => new Crowd(plan, resolve).start());
}

class Crowd {
  readonly #plan: ClientsPlan;
  readonly #done: (result: ClientsResult) => void;
  readonly #random: Random;
  readonly #counts: ReadonlyMap<ClientRequest, Readonly<Record<Phase, Counts>>>;
  readonly #makers: ReadonlyMap<ClientRequest, () => string>;
  readonly #totalWeight: number;
  readonly #beganAtMs = performance.now();
  #open = 0;
  #most = 0;
  #opened = 0;
  #connectFailures = 0;
  #closedIdle = 0;
  #left: number;

  constructor(plan: ClientsPlan, done: (result: ClientsResult) => void) {
    this.#plan = plan;
    this.#done = done;
    this.#left = plan.clients;
    this.#random = seededRandom(seedFor(plan.seed, 'clients'));
    this.#totalWeight = plan.requests.reduce((sum, { weight }) => sum + weight, 0);
    this.#counts = new Map(
      plan.requests.map((request) => [request, { rampUp: new Counts(), steady: new Counts(), rampDown: new Counts() }]),
    );
    this.#makers = new Map(plan.requests.map((request) => [request, this.#maker(request)]));
  }

  start(): void {
    const { clients, rampUpMs, steadyMs, rampDownMs } = this.#plan;
    for (let index = 0; index < clients; index += 1) {
      const client = this.#client();
      const part = index / clients;
      setTimeout(() => client.begin(), rampUpMs * part);
      setTimeout(() => client.leave(), rampUpMs + steadyMs + rampDownMs * part);
    }
  }

  #client(): Client {
    const { port, unansweredAfterMs, thinkMs } = this.#plan;
    let counts = new Counts();
    return new Client(port, unansweredAfterMs, {
      next: () => {
        const request = this.#pick();
        counts = this.#counts.get(request)?.[this.#phase()] ?? counts;
        counts.sent += 1;
        return this.#makers.get(request)?.() ?? '';
      },
      opened: () => {
        this.#opened += 1;
        this.#open += 1;
        this.#most = Math.max(this.#most, this.#open);
      },
      closed: () => {
        this.#open -= 1;
      },
      answered: ({ status, code }, tookMs) => counts.answered(status, code, tookMs),
      unanswered: (why) => counts.unanswered(why),
      connectFailed: () => {
        this.#connectFailures += 1;
      },
      closedIdle: () => {
        this.#closedIdle += 1;
      },
      thinkMs: () => Math.min(10, -Math.log(1 - this.#random())) * thinkMs,
      ended: () => this.#ended(),
    });
  }

  #maker({ name, method, path, body }: ClientRequest): () => string {
    const stream = { name, method, path, ...(body === undefined ? {} : { body }) };
    const unused = { arrivals: { kind: 'closed', callers: 1 }, deadlineMs: 1, unansweredAfterMs: 1 } as const;
    return requestMaker({ ...stream, ...unused }, this.#plan.port, this.#plan.seed);
  }

  #pick(): ClientRequest {
    let at = this.#random() * this.#totalWeight;
    for (const request of this.#plan.requests) {
      at -= request.weight;
      if (at < 0) return request;
    }
    const [first] = this.#plan.requests;
    if (first === undefined) throw new RangeError('a plan needs at least one kind of request');
    return first;
  }

  #phase(): Phase {
    const { rampUpMs, steadyMs } = this.#plan;
    const sinceMs = performance.now() - this.#beganAtMs;
    if (sinceMs < rampUpMs) return 'rampUp';
    return sinceMs < rampUpMs + steadyMs ? 'steady' : 'rampDown';
  }

  #ended(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#done({
      tallies: [...this.#counts].flatMap(([{ name }, counts]) =>
        PHASES.map((phase) => counts[phase].tally(name, phase)),
      ),
      mostConnections: this.#most,
      connectionsOpened: this.#opened,
      connectFailures: this.#connectFailures,
      closedIdle: this.#closedIdle,
      tookMs: performance.now() - this.#beganAtMs,
    });
  }
}
