import { queueBoundMs } from './feasibility.js';
import { TOP_RANK } from './priority.js';
import type { Ticket } from './ticket.js';

/** Newest first, the oldest is given up when it has waited for so many times what the queue may hold. */
const OVERDUE = 1.5;
/** Where the top class has more to do than all seats can, those it overtakes are told after so long: they have no hope. */
const OVERRUN_MS = 50;
/**
 * Where a lower class does, its queue may hold so much of what it may otherwise: enough to keep the seats at work, and
 * half of those who are turned away from it hear of it sooner than a burst would have passed.
 */
const OVERRUN_PART = 0.6;
/** Somebody gives way to a newcomer there once it has waited for so much of that; before, the newcomer is refused. */
const SETTLED_PART = 0.2;

/** How long a ticket that is overtaken may wait, in milliseconds. */
export function overdueMs<Owner>(nowMs: number, ticket: Ticket<Owner>): number {
  const { route, rank, line } = ticket;
  const lasting = line?.lasting(nowMs) === true;
  if (rank === TOP_RANK) return lasting ? overrunMs(nowMs, ticket) : Number.POSITIVE_INFINITY;
  return OVERDUE * (lasting ? overrunMs(nowMs, ticket) : queueBoundMs(nowMs, route, rank));
}

/** How long a ticket keeps its place from newcomers where its class is overrun. */
export function settledMs(nowMs: number, ticket: Ticket): number {
  return overrunMs(nowMs, ticket) * (ticket.rank === TOP_RANK ? 1 : SETTLED_PART);
}

/** How long a queue may be in an overload that lasts, and anybody of the top class wait in it. */
export function overrunMs(nowMs: number, { route, rank }: Ticket): number {
  const boundMs = queueBoundMs(nowMs, route, rank);
  if (rank !== TOP_RANK) return OVERRUN_PART * boundMs;
  return Math.min(boundMs, Math.max(OVERRUN_MS, 2 * route.times.p50(nowMs)));
}
