import {
  type DecisionRecord,
  keyName,
  LEASED,
  NO_SLOT,
  PASSED,
  refusedAs,
} from '../../telemetry/decision-log/decision-record.js';
import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import { type ReplayedGate, ReplayedPolicy } from './replayed-policy.js';

/** What deciding again came to. */
export interface Redecided {
  /** Records that were gone through. */
  readonly records: number;
  /** Decisions that came out as they did, up to the first that did not. */
  readonly matched: number;
  /** Decisions in the log. */
  readonly decisions: number;
  /** The first that came out otherwise; after it nothing can be compared. */
  readonly difference: Difference | undefined;
}

/** A decision that came out otherwise. */
export interface Difference {
  /** The number of the record, counted from the start of the process that wrote it. */
  readonly record: number;
  readonly logged: DecisionRecord;
  /** The decision now, and the ticket it is about. */
  readonly decision: number;
  readonly slot: number;
  /** Why it could not be decided again at all. */
  readonly fault?: string | undefined;
}

/** Told of every record after it was decided again, and before the next. */
export type OnRecord = (record: DecisionRecord, number: number, policy: ReplayedPolicy) => void;

/** What came of a record. */
interface Outcome {
  readonly decision: number;
  readonly slot: number;
}

/** Decides a log again, from the states at its head on, and compares. */
export function redecide(log: DecodedLog, onRecord?: OnRecord): Redecided {
  const policy = new ReplayedPolicy(log.settings);
  policy.load(log.checkpoints);
  let matched = 0;
  for (let place = 0; place < log.count; place++) {
    const record = log.records.read(place);
    const number = log.first + place;
    const found = decideOne(policy, record, number);
    if (found !== undefined) return { records: place, matched, decisions: decisionsIn(log, policy), difference: found };
    if (decides(record) && isKnown(policy, record, number)) matched++;
    onRecord?.(record, number, policy);
  }
  return { records: log.count, matched, decisions: matched, difference: undefined };
}

function decideOne(policy: ReplayedPolicy, record: DecisionRecord, number: number): Difference | undefined {
  if (!isKnown(policy, record, number)) return undefined;
  try {
    const { decision, slot } = apply(policy, record);
    const same = !decides(record) || (decision === record.decision && slot === record.slot);
    return same ? undefined : { record: number, logged: record, decision, slot };
  } catch (error) {
    // A ticket that is in another state than the log says: the policies have parted unnoticed.
    const fault = error instanceof Error ? error.message : String(error);
    return { record: number, logged: record, decision: PASSED, slot: NO_SLOT, fault };
  }
}

const OF_ROUTE = new Set(['preflight', 'arrive', 'predict', 'sample', 'settle']);
const OF_BUCKETS = new Set(['take', 'refund']);
const DECIDING = new Set(['preflight', 'arrive', 'next', 'comeBack', 'take']);

/** Whether something was decided with this record. */
export function decides({ kind }: DecisionRecord): boolean {
  return DECIDING.has(kind);
}

/** Whether the part that a record is about does not know it yet: its state may have been written after it. */
function isKnown(policy: ReplayedPolicy, record: DecisionRecord, number: number): boolean {
  const { kind } = record;
  if (kind === 'turnAway' || kind === 'none') return false;
  if (OF_BUCKETS.has(kind)) return number >= policy.route(record).rateFrom;
  const gate = gateOf(policy, record);
  return gate !== undefined && number >= gate.from;
}

/** The seats that a record is about; `undefined` for a route without. */
export function gateOf(policy: ReplayedPolicy, record: DecisionRecord): ReplayedGate | undefined {
  const { kind } = record;
  const ofRoute = OF_ROUTE.has(kind) || OF_BUCKETS.has(kind) || kind === 'turnAway';
  return ofRoute ? policy.route(record).gate : policy.gates[record.source];
}

function decisionsIn(log: DecodedLog, policy: ReplayedPolicy): number {
  let count = 0;
  for (let place = 0; place < log.count; place++) {
    const record = log.records.read(place);
    if (decides(record) && isKnown(policy, record, log.first + place)) count++;
  }
  return count;
}

function apply(policy: ReplayedPolicy, record: DecisionRecord): Outcome {
  const { kind } = record;
  if (OF_BUCKETS.has(kind)) return applyTokens(policy, record);
  if (OF_ROUTE.has(kind)) return applyToRoute(policy, record);
  const gate = policy.gates[record.source];
  if (gate === undefined) throw new RangeError(`pool ${record.source} is not among the settings`);
  return record.slot === NO_SLOT ? applyToGate(gate, record) : applyToTicket(gate, record);
}

const NOTHING: Outcome = { decision: PASSED, slot: NO_SLOT };

function applyTokens(policy: ReplayedPolicy, record: DecisionRecord): Outcome {
  const { rate } = policy.route(record);
  if (rate === undefined) throw new RangeError('a route without buckets was charged');
  const { keyHigh, keyLow, atMs, amount } = record;
  const key = keyName(keyHigh, keyLow);
  if (record.kind === 'refund') rate.refund(atMs, key, amount);
  else {
    const over = rate.take(atMs, key, amount);
    return { decision: over === undefined ? PASSED : over.scope === 'endpoint' ? 1 : 2, slot: NO_SLOT };
  }
  return NOTHING;
}

function applyToRoute(policy: ReplayedPolicy, record: DecisionRecord): Outcome {
  const route = policy.route(record);
  const { bulkhead, slots } = route.gate ?? {};
  const { atMs, first } = record;
  if (record.kind === 'sample') {
    if (record.decision === LEASED) route.times.recordCensored(atMs, first);
    else route.times.record(atMs, first);
  } else if (record.kind === 'settle') {
    route.times.meanMs(atMs);
  } else if (record.kind === 'predict') {
    bulkhead?.predictedWaitMs(atMs, policy.ticket(record));
  } else if (record.kind === 'preflight') {
    const refusal = bulkhead?.preflight(atMs, policy.ticket(record));
    if (refusal !== undefined) return { decision: refusedAs(refusal.code), slot: NO_SLOT };
  } else if (bulkhead !== undefined && slots !== undefined) {
    const ticket = policy.ticket(record);
    const arrival = bulkhead.arrive(atMs, ticket);
    if (typeof arrival !== 'string') return { decision: refusedAs(arrival.code), slot: NO_SLOT };
    ticket.slot = record.slot;
    slots[record.slot] = ticket;
    return { decision: arrival === 'leased' ? LEASED : PASSED, slot: record.slot };
  }
  return NOTHING;
}

function applyToGate({ bulkhead, slots }: ReplayedGate, record: DecisionRecord): Outcome {
  const { atMs } = record;
  if (record.kind === 'resize') bulkhead.resize(atMs, record.amount);
  else if (record.kind === 'outage') bulkhead.beginOutage(atMs);
  else if (record.kind === 'recovery') bulkhead.endOutage(atMs);
  else if (record.kind === 'headroom') bulkhead.headroom(atMs);
  else if (record.kind === 'next') return applyNext(bulkhead.next(atMs), slots);
  return NOTHING;
}

function applyNext(ticket: ReturnType<ReplayedGate['bulkhead']['next']>, slots: ReplayedGate['slots']): Outcome {
  if (ticket === undefined) return NOTHING;
  const { slot, refusal } = ticket;
  if (refusal !== undefined) slots[slot] = undefined;
  return { decision: refusal === undefined ? LEASED : refusedAs(refusal.code), slot };
}

function applyToTicket(gate: ReplayedGate, record: DecisionRecord): Outcome {
  if (record.kind === 'next') return applyNext(gate.bulkhead.next(record.atMs), gate.slots);
  const { bulkhead, slots } = gate;
  const { atMs, slot } = record;
  const ticket = slots[slot];
  if (ticket === undefined) throw new RangeError(`ticket ${slot} is neither in flight nor queued`);
  if (record.kind === 'comeBack') {
    return { decision: bulkhead.comeBack(atMs, ticket) === 'leased' ? LEASED : PASSED, slot };
  }
  if (record.kind === 'giveBack') bulkhead.giveBack(atMs, ticket, record.amount);
  else if (record.kind === 'release') bulkhead.release(atMs, ticket, record.decision === LEASED ? 'away' : 'ended');
  else if (record.kind === 'withdraw' && !bulkhead.withdraw(atMs, ticket)) {
    throw new RangeError(`ticket ${slot} is not queued`);
  }
  const stays = record.kind === 'giveBack' || (record.kind === 'release' && record.decision === LEASED);
  if (!stays) slots[slot] = undefined;
  return NOTHING;
}
