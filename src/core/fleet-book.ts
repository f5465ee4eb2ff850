import { remember } from './fleet-ghosts.js';
import { type Claim, type ServerNeed, type ServerShare, sharesOf } from './fleet-share.js';

/** What an instance says of itself with each heartbeat. */
export interface MemberReport {
  /** Unique in the fleet. */
  readonly id: string;
  /** Whether it has been in the book before: if it is missing now, the book was lost. */
  readonly known: boolean;
  /** What its configuration says, as text; the same text for the same configuration. */
  readonly fields: string;
  readonly needs: readonly ServerNeed[];
}

/** What an instance is told with each heartbeat. */
export interface MemberReply {
  /** Living instances that the book knows, itself included. */
  readonly live: number;
  /** Whether all who live stand in the book: one that is new has not heard of everybody, so there may be more. */
  readonly settled: boolean;
  readonly shares: readonly ServerShare[];
  /** What the configurations of others say that differ from its own. */
  readonly otherFields: readonly string[];
}

interface Member {
  readonly id: string;
  readonly seenMs: number;
  readonly fields: string;
  readonly claims: readonly Claim[];
}

/** The book of a fleet as plain data; see {@link meet}. */
export interface FleetBook {
  /** Time of the book: it stands while nobody writes. */
  readonly clockMs: number;
  /** When that was, by the clock of whoever keeps the book. */
  readonly atMs: number;
  /** Until here it may not know everybody: nobody gets more than he has. */
  readonly frozenUntilMs: number;
  readonly members: readonly Member[];
}

/** How often an instance writes into the book. */
export const HEARTBEAT_MS = 1_000;
/** Who has not written for so long is dead. */
export const LEASE_MS: number = 3 * HEARTBEAT_MS;
/**
 * Within it everybody who stood in a book that was lost has found that out. Who begins a new one does not know whether
 * there was one before: it may have been started while nobody could be reached.
 */
const NEW_BOOK_MS: number = 1.5 * HEARTBEAT_MS;
/** A step of the clock beyond what a heartbeat takes is no time that passed: the clock was set, or nobody could write. */
const LONGEST_STEP_MS: number = 1.5 * HEARTBEAT_MS;

/**
 * Enters what an instance says of itself into the book of its fleet, and tells it what it may have.
 *
 * **Bound.** What the book grants of a server, to the living and to those whose death is not sure to have freed it
 * ({@link remember}), never exceeds the room of the server: an instance gets more only of what is free, and what it is
 * to give up counts as its own until it says that it is gone. So a newcomer waits until the others have shrunk. A book
 * that is new, and may have been lost, is filled before anybody gets more.
 *
 * Pure: whoever keeps the book sees to it that one entry is made at a time.
 *
 * @param book - `undefined` where there is none, or none any more; {@link firstBook} where there was none before.
 * @param nowMs - The clock of whoever keeps the book; it may jump.
 */
export function meet(
  book: FleetBook | undefined,
  nowMs: number,
  report: MemberReport,
): { readonly book: FleetBook; readonly reply: MemberReply } {
  const clockMs = clockOf(book, nowMs);
  const before = book?.members ?? [];
  const lost = report.known && !before.some(({ id }) => id === report.id);
  const frozenUntilMs = lost ? clockMs + LEASE_MS : (book?.frozenUntilMs ?? clockMs + NEW_BOOK_MS);
  const settled = clockMs >= frozenUntilMs;
  const others = before.filter(({ id }) => id !== report.id);
  const living = others.filter((member) => isLive(member, clockMs));
  const dead = others.filter((member) => !living.includes(member));
  const ghosts = ghostsOf(dead, living, report, clockMs);
  const rooms = sharesOf(report.needs, { living, ghosts }, !settled);
  const { id, fields } = report;
  const member: Member = { id, seenMs: clockMs, fields, claims: rooms.map(({ claim }) => claim) };
  const otherFields = [...new Set(living.map((other) => other.fields))].filter((text) => text !== fields);
  return {
    book: { clockMs, atMs: nowMs, frozenUntilMs, members: [...living, ...ghosts, member] },
    reply: { live: living.length + 1, settled, shares: rooms.map(({ share }) => share), otherFields },
  };
}

/** A book of which it is sure that nothing was lost: nobody can have stood in one before. */
export function firstBook(nowMs: number): FleetBook {
  return { clockMs: 0, atMs: nowMs, frozenUntilMs: 0, members: [] };
}

/** Strikes out an instance that has ended in order, and closed everything before. */
export function leave(book: FleetBook, nowMs: number, id: string): FleetBook {
  return { ...book, clockMs: clockOf(book, nowMs), atMs: nowMs, members: book.members.filter((one) => one.id !== id) };
}

/** An instance is known to have died: what it had is kept until it is sure to be free. */
export function die(book: FleetBook, nowMs: number, id: string): FleetBook {
  const clockMs = clockOf(book, nowMs);
  const seenMs = clockMs - LEASE_MS - 1;
  return {
    ...book,
    clockMs,
    atMs: nowMs,
    members: book.members.map((one) => (one.id === id ? { ...one, seenMs } : one)),
  };
}

function clockOf(book: FleetBook | undefined, nowMs: number): number {
  if (book === undefined) return 0;
  return book.clockMs + Math.min(Math.max(0, nowMs - book.atMs), LONGEST_STEP_MS);
}

function isLive({ seenMs }: Member, clockMs: number): boolean {
  return clockMs - seenMs <= LEASE_MS;
}

/** The dead of whom something still counts. */
function ghostsOf(
  dead: readonly Member[],
  living: readonly Member[],
  { needs }: MemberReport,
  clockMs: number,
): Member[] {
  const silent = dead.map(({ id, seenMs, claims }) => ({ id, diedMs: seenMs + LEASE_MS, claims }));
  const claims = remember(silent, { needs, others: living.flatMap((member) => member.claims) }, clockMs);
  return dead.flatMap((member) => {
    const standing = claims.get(member.id);
    return standing === undefined ? [] : [{ ...member, claims: standing }];
  });
}
