import type { PriorityRank } from '../../core/priority.js';
import type { Ticket } from '../../core/ticket.js';
import { codeOf, type DecisionRecord, keyName } from '../../telemetry/decision-log/decision-record.js';

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
  /**
   * What its route learnt of how long its work takes, in milliseconds: without the time for which the process or the
   * pool stood still. `undefined` where it learnt nothing.
   */
  learntMs: number | undefined;
  /** When it was to be given up in the queue, as it was predicted. */
  givesUpAtMs: number | undefined;
  /**
   * When the queue was gone through next after it asked for a seat, and after it ended, while somebody was to hear of
   * that: a busy process goes through it in a later turn. `undefined` where nobody was.
   */
  askedAndHandedOnAtMs: number | undefined;
  endedAndHandedOnAtMs: number | undefined;
}

/** What other records tell of a request, beside the one it is put together from. */
export interface Found {
  readonly caller?: string | undefined;
  /** The record in which it was judged before its body. */
  readonly judged?: DecisionRecord | undefined;
  readonly enteredAtMs?: number;
  readonly fixed?: boolean;
}

/** What later records tell of a request. */
const UNDECIDED = {
  leasedAtMs: undefined,
  endedAtMs: undefined,
  cutShort: false,
  learntMs: undefined,
  givesUpAtMs: undefined,
  askedAndHandedOnAtMs: undefined,
  endedAndHandedOnAtMs: undefined,
};

/** A request as one record tells of it. */
export function requestOf(record: DecisionRecord, number: number, route: string, more: Found): LoggedRequest {
  return {
    record: number,
    route,
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
    ...UNDECIDED,
  };
}

/** A request that was in flight or queued when the log began. */
export function carriedOver(ticket: Ticket<undefined>, number: number): LoggedRequest {
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
    ...UNDECIDED,
    leasedAtMs: leased ? ticket.leasedAtMs : undefined,
  };
}

/** The hash of a caller or a tenant. */
export function nameOf({ keyHigh, keyLow }: DecisionRecord): string | undefined {
  return keyName(keyHigh, keyLow);
}
