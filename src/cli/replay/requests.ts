import { codeOf, type DecisionRecord, LEASED, NO_SLOT } from '../../telemetry/decision-log/decision-record.js';
import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import { HandOuts } from './hand-outs.js';
import { JudgedRecords } from './judged-records.js';
import { carriedOver, type Fate, type Found, type LoggedRequest, nameOf, requestOf } from './logged-request.js';
import { gateOf, type OnRecord, type Redecided, redecide } from './redecide.js';
import type { ReplayedGate, ReplayedPolicy } from './replayed-policy.js';

/** Something that happened to a pool and not by its requests. */
export interface PoolEvent {
  readonly kind: 'resize' | 'outage' | 'recovery';
  readonly pool: string;
  readonly atMs: number;
  /** Of the seats that the pool is configured with: what was left of them. */
  readonly share: number;
}

/** Everything that came from outside, and how it ended. */
export interface LoggedTraffic {
  readonly outcome: Redecided;
  readonly requests: readonly LoggedRequest[];
  readonly events: readonly PoolEvent[];
}

/** Reads the requests out of a log, deciding it again on the way. */
export function readTraffic(log: DecodedLog): LoggedTraffic {
  const reader = new TrafficReader(log);
  const outcome = redecide(log, reader.onRecord);
  return { outcome, requests: reader.requests, events: reader.events };
}

class TrafficReader {
  readonly requests: LoggedRequest[] = [];
  readonly events: PoolEvent[] = [];
  readonly #log: DecodedLog;
  readonly #bySlot = new Map<ReplayedGate, (LoggedRequest | undefined)[]>();
  readonly #judged = new JudgedRecords();
  readonly #handOuts = new HandOuts();
  #lastTake: DecisionRecord | undefined;
  #lastSample: DecisionRecord | undefined;
  #refusedAtGate = false;

  constructor(log: DecodedLog) {
    this.#log = log;
  }

  readonly onRecord: OnRecord = (record, number, policy) => {
    if (number === this.#log.first) this.#carryOver(policy, number);
    const gate = gateOf(policy, record);
    // The state at the head knows all this already.
    if (number < (gate?.from ?? 0)) return;
    const refused = this.#refusedAtGate;
    this.#refusedAtGate = false;
    switch (record.kind) {
      case 'preflight':
        this.#refusedAtGate = codeOf(record.decision) !== undefined;
        if (!this.#refusedAtGate) this.#judged.add(record);
        break;
      case 'turnAway':
        this.#add(policy, record, number, { caller: nameOf(record), fixed: !refused, judged: record });
        break;
      case 'take':
        this.#take(policy, record, number);
        break;
      case 'arrive':
        this.#arrive(policy, record, number);
        break;
      case 'sample':
        this.#lastSample = record;
        break;
      default:
        if (gate !== undefined) this.#atGate(gate, record);
    }
  };

  #take(policy: ReplayedPolicy, record: DecisionRecord, number: number): void {
    this.#lastTake = record;
    const route = policy.route(record);
    if (record.decision === 0 && route.gate !== undefined) return;
    // It was judged last, unless its body took long: then its class and its deadline are those of a sibling.
    const judged = this.#judged.takeLast(record.source);
    const ticket = judged ?? {
      ...record,
      rank: route.rank,
      first: record.atMs,
      second: record.atMs + route.deadlineMs,
      amount: 1,
    };
    const request = this.#add(policy, ticket, number, { caller: nameOf(record), judged, enteredAtMs: record.atMs });
    request.fate = record.decision === 0 ? 'admitted' : 'rate_limited';
  }

  #arrive(policy: ReplayedPolicy, record: DecisionRecord, number: number): void {
    const take = this.#lastTake;
    const caller = take?.source === record.source && take.atMs === record.atMs ? nameOf(take) : undefined;
    const judged = this.#judged.take(record);
    const request = this.#add(policy, record, number, { caller, judged, enteredAtMs: record.atMs });
    const { gate } = policy.route(record);
    if (gate === undefined || record.slot === NO_SLOT) return;
    const slots = this.#bySlot.get(gate);
    if (slots !== undefined) slots[record.slot] = request;
    if (record.decision === LEASED) this.#lease(request, record.atMs);
    else request.givesUpAtMs = givesUpAtMs(gate, record);
    if (gate.bulkhead.leaving > 0) {
      this.#handOuts.await(gate, (atMs) => {
        request.askedAndHandedOnAtMs = atMs;
      });
    }
  }

  #atGate(gate: ReplayedGate, record: DecisionRecord): void {
    if (record.kind === 'next') this.#handOuts.happened(gate, record.atMs);
    const slots = this.#bySlot.get(gate);
    const request = slots?.[record.slot];
    if (slots === undefined || request === undefined) return this.#ofPool(gate, record);
    const { atMs, decision, kind, slot } = record;
    const ends = kind === 'withdraw' || kind === 'forget' || (kind === 'release' && decision !== LEASED);
    if (kind === 'next' && decision === LEASED) this.#lease(request, atMs);
    else if (kind === 'next') this.#refuse(request, record);
    else if (kind === 'withdraw') request.fate = this.#whyWithdrawn(gate, request, atMs);
    else if (ends) this.#end(gate, request, record);
    if (ends || (kind === 'next' && decision !== LEASED)) slots[slot] = undefined;
  }

  #ofPool(gate: ReplayedGate, { kind, atMs, amount }: DecisionRecord): void {
    if (kind !== 'resize' && kind !== 'outage' && kind !== 'recovery') return;
    const { name, options } = this.#log.settings.gates.find((each) => each.name === gate.name) ?? {};
    const share = kind === 'resize' && options !== undefined ? amount / options.seats : 1;
    if (name !== undefined) this.events.push({ kind, pool: name, atMs, share });
  }

  #lease(request: LoggedRequest, atMs: number): void {
    request.fate = 'admitted';
    request.leasedAtMs ??= atMs;
  }

  /** It had to leave the queue, or could not start in time any more. */
  #refuse(request: LoggedRequest, { atMs, decision }: DecisionRecord): void {
    request.fate = codeOf(decision) ?? request.fate;
    request.endedAtMs = atMs;
  }

  #end(gate: ReplayedGate, request: LoggedRequest, { atMs }: DecisionRecord): void {
    request.endedAtMs = atMs;
    const sample = this.#lastSample;
    const own = sample?.atMs === atMs && this.#log.settings.routes[sample.source]?.name === request.route;
    request.cutShort = own && sample.decision === LEASED;
    request.learntMs = own ? sample.first : undefined;
    if (gate.bulkhead.queued === 0) return;
    this.#handOuts.await(gate, (handedOnAtMs) => {
      request.endedAndHandedOnAtMs = handedOnAtMs;
    });
  }

  /** A log does not say why somebody was taken out of the queue; the instant does. */
  #whyWithdrawn({ bulkhead }: ReplayedGate, request: LoggedRequest, atMs: number): Fate {
    if (request.leasedAtMs !== undefined) return request.fate;
    request.endedAtMs = atMs;
    const { givenUpAtMs } = bulkhead.outage;
    if (atMs >= request.deadlineAtMs) return 'deadline_expired';
    if (givenUpAtMs !== undefined && atMs >= givenUpAtMs) return 'database_unavailable';
    return atMs >= (request.givesUpAtMs ?? Number.POSITIVE_INFINITY) ? 'deadline_unreachable' : 'gone';
  }

  #add(policy: ReplayedPolicy, record: DecisionRecord, number: number, more: Found): LoggedRequest {
    const request = requestOf(record, number, policy.route(record).name, more);
    this.requests.push(request);
    return request;
  }

  /** Who was in flight or queued when the state at the head was written. */
  #carryOver(policy: ReplayedPolicy, number: number): void {
    for (const gate of policy.gates) {
      const slots = gate.slots.map((ticket) => (ticket === undefined ? undefined : carriedOver(ticket, number)));
      for (const request of slots) if (request !== undefined) this.requests.push(request);
      this.#bySlot.set(gate, slots);
    }
  }
}

/** The gateway asks the same at the same instant: what it did not ask must not be asked, or estimates would differ. */
function givesUpAtMs({ bulkhead, slots }: ReplayedGate, { slot, atMs, second }: DecisionRecord): number {
  const ticket = slots[slot];
  return ticket === undefined ? second : bulkhead.givesUpAtMs(atMs, ticket);
}
