import type { PriorityRank } from '../../core/priority.js';
import type { Ticket } from '../../core/ticket.js';
import { codeOf, type DecisionRecord, keyName, LEASED, NO_SLOT } from '../../telemetry/decision-log/decision-record.js';
import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import { gateOf, type OnRecord, type Redecided, redecide } from './redecide.js';
import type { ReplayedGate, ReplayedPolicy } from './replayed-policy.js';

/**
 * What became of a request: admitted, the code of its refusal, `gone` when its client left before (or the process
 * drained), `open` when the log ends before.
 */
export type Fate = string;

/** One request of a log, put together from its records. */
export interface LoggedRequest {
  /** The number of its first record. */
  readonly record: number;
  readonly route: string;
  readonly rank: PriorityRank;
  readonly arrivedAtMs: number;
  readonly deadlineAtMs: number;
  readonly seats: number;
  readonly tenant: string | undefined;
  readonly caller: string | undefined;
  /** When it was judged before its body; `undefined` where nobody did. */
  readonly judgedAtMs: number | undefined;
  /** When it asked for tokens and a seat. */
  readonly enteredAtMs: number;
  /** It was in flight or queued when the log began. */
  readonly carriedOver: boolean;
  /** Its number among the tickets of the state at the head, if it is one of those. */
  readonly slot: number | undefined;
  /** Refused by what does not decide again: the circuit, the event loop, the end of the process. */
  readonly fixed: boolean;
  fate: Fate;
  leasedAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** Its work was stopped before it was done. */
  cutShort: boolean;
}

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

/** A record that tells of a ticket before it has a slot. */
interface Judged {
  readonly record: DecisionRecord;
  readonly number: number;
}

class TrafficReader {
  readonly requests: LoggedRequest[] = [];
  readonly events: PoolEvent[] = [];
  readonly #log: DecodedLog;
  readonly #bySlot = new Map<ReplayedGate, (LoggedRequest | undefined)[]>();
  /** Judged and let pass, by route: they come again after their body. */
  readonly #judged = new Map<number, Judged[]>();
  /** The last instant at which a queued request could start, as it was predicted. */
  readonly #latestStart = new Map<LoggedRequest, number>();
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
        if (!this.#refusedAtGate) this.#judgedOf(record.source).push({ record, number });
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
    const judged = this.#judgedOf(record.source).pop()?.record;
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
    const judged = this.#takeJudged(record);
    const request = this.#add(policy, record, number, { caller, judged, enteredAtMs: record.atMs });
    const { gate } = policy.route(record);
    if (gate === undefined || record.slot === NO_SLOT) return;
    const slots = this.#bySlot.get(gate);
    if (slots !== undefined) slots[record.slot] = request;
    if (record.decision === LEASED) this.#lease(request, record.atMs);
    else this.#latestStart.set(request, latestStartMs(gate, record));
  }

  #atGate(gate: ReplayedGate, record: DecisionRecord): void {
    const slots = this.#bySlot.get(gate);
    const request = slots?.[record.slot];
    if (slots === undefined || request === undefined) return this.#ofPool(gate, record);
    const { atMs, decision, kind, slot } = record;
    const ends = kind === 'withdraw' || kind === 'forget' || (kind === 'release' && decision !== LEASED);
    if (kind === 'next' && decision === LEASED) this.#lease(request, atMs);
    else if (kind === 'next') request.fate = codeOf(decision) ?? request.fate;
    else if (kind === 'withdraw') request.fate = this.#whyWithdrawn(gate, request, atMs);
    else if (ends) this.#end(request, record);
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

  #end(request: LoggedRequest, { atMs }: DecisionRecord): void {
    request.endedAtMs = atMs;
    const sample = this.#lastSample;
    const own = sample?.atMs === atMs && this.#log.settings.routes[sample.source]?.name === request.route;
    request.cutShort = own && sample.decision === LEASED;
  }

  /** A log does not say why somebody was taken out of the queue; the instant does. */
  #whyWithdrawn({ bulkhead }: ReplayedGate, request: LoggedRequest, atMs: number): Fate {
    if (request.leasedAtMs !== undefined) return request.fate;
    request.endedAtMs = atMs;
    const { givenUpAtMs } = bulkhead.outage;
    if (atMs >= request.deadlineAtMs) return 'deadline_expired';
    if (givenUpAtMs !== undefined && atMs >= givenUpAtMs) return 'database_unavailable';
    return atMs >= (this.#latestStart.get(request) ?? Number.POSITIVE_INFINITY) ? 'deadline_unreachable' : 'gone';
  }

  #judgedOf(route: number): Judged[] {
    let judged = this.#judged.get(route);
    if (judged === undefined) {
      judged = [];
      this.#judged.set(route, judged);
    }
    // Whoever left before its body was there never comes.
    if (judged.length > 10_000) judged.splice(0, 5_000);
    return judged;
  }

  #takeJudged({ source, first, second }: DecisionRecord): DecisionRecord | undefined {
    const judged = this.#judgedOf(source);
    const place = judged.findLastIndex(({ record }) => record.first === first && record.second === second);
    return place === -1 ? undefined : judged.splice(place, 1)[0]?.record;
  }

  #add(policy: ReplayedPolicy, record: DecisionRecord, number: number, more: Found): LoggedRequest {
    const request: LoggedRequest = {
      record: number,
      route: policy.route(record).name,
      rank: record.rank as PriorityRank,
      arrivedAtMs: record.first,
      deadlineAtMs: record.second,
      seats: record.amount,
      tenant: record.kind === 'turnAway' ? undefined : nameOf(record),
      caller: more.caller,
      judgedAtMs: more.judged?.atMs,
      enteredAtMs: more.enteredAtMs ?? record.atMs,
      carriedOver: false,
      slot: undefined,
      fixed: more.fixed ?? false,
      fate: codeOf(record.decision) ?? 'open',
      leasedAtMs: undefined,
      endedAtMs: undefined,
      cutShort: false,
    };
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

function carriedOver(ticket: Ticket<undefined>, number: number): LoggedRequest {
  const leased = ticket.state !== 'queued';
  return {
    record: number,
    route: ticket.route.name,
    rank: ticket.rank,
    arrivedAtMs: ticket.arrivedAtMs,
    deadlineAtMs: ticket.deadlineAtMs,
    seats: ticket.seats,
    tenant: ticket.tenant,
    caller: undefined,
    judgedAtMs: undefined,
    enteredAtMs: ticket.arrivedAtMs,
    carriedOver: true,
    slot: ticket.slot,
    fixed: false,
    fate: leased ? 'admitted' : 'open',
    leasedAtMs: leased ? ticket.leasedAtMs : undefined,
    endedAtMs: undefined,
    cutShort: false,
  };
}

/** The gateway asks the same at the same instant: what it did not ask must not be asked, or estimates would differ. */
function latestStartMs({ bulkhead, slots }: ReplayedGate, { slot, atMs, second }: DecisionRecord): number {
  const ticket = slots[slot];
  return ticket === undefined ? second : bulkhead.givesUpAtMs(atMs, ticket);
}

interface Found {
  readonly caller?: string | undefined;
  readonly judged?: DecisionRecord | undefined;
  readonly enteredAtMs?: number;
  readonly fixed?: boolean;
}

function nameOf({ keyHigh, keyLow }: DecisionRecord): string | undefined {
  return keyName(keyHigh, keyLow);
}
