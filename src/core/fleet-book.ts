import { fairShare } from './budget-share.js';

/** What one instance needs of one database server, and what it has there. Connections, whole numbers. */
export interface ServerNeed {
  /** Names the server, alike in all instances. */
  readonly server: string;
  /** What its pools may open at most. */
  readonly wish: number;
  /** Fewest with which every pool works: one each. */
  readonly least: number;
  /** What its pools may have open now, or still have open of before. */
  readonly held: number;
  /** What is open. */
  readonly open: number;
  /** What the server has for the fleet; absent until it is known. */
  readonly room?: number;
  /** Dead instances of which nothing is left on the server. */
  readonly gone?: readonly string[];
}

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

/** What an instance may have of one server. */
export interface ServerShare {
  readonly server: string;
  /** What it may have now. Where that is less than it has, it gives up the rest as it comes free. */
  readonly granted: number;
  /** What it will have once the others have given up theirs. */
  readonly target: number;
  /** What the server has for the fleet; absent while nobody knows it. */
  readonly room?: number;
  /** What the other living instances have open, as far as they said. */
  readonly othersOpen: number;
  /** Dead instances whose sessions may still be there. */
  readonly ghosts: readonly string[];
}

/** What an instance is told with each heartbeat. */
export interface MemberReply {
  /** Living instances, itself included. */
  readonly live: number;
  readonly shares: readonly ServerShare[];
  /** What the configurations of others say that differ from its own. */
  readonly otherFields: readonly string[];
}

interface Claim {
  readonly server: string;
  readonly wish: number;
  readonly granted: number;
  readonly open: number;
  readonly room?: number | undefined;
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
  /** Until here nobody gets more than he has. */
  readonly frozenUntilMs: number;
  readonly members: readonly Member[];
}

/** How often an instance writes into the book. */
export const HEARTBEAT_MS = 1_000;
/** Who has not written for so long is dead. */
export const LEASE_MS: number = 3 * HEARTBEAT_MS;
/**
 * What a dead instance had is kept for it for so long at most: a server ends the sessions of a process that died at once
 * or within its check interval, those of a machine that died after the keepalives, which take about ten seconds.
 */
export const GHOST_MS = 15_000;
/** A step of the clock beyond what a heartbeat takes is no time that passed: the clock was set, or nobody could write. */
const LONGEST_STEP_MS: number = 1.5 * HEARTBEAT_MS;

/**
 * Enters what an instance says of itself into the book of its fleet, and tells it what it may have.
 *
 * **Bound.** What the book grants of a server, to the living and to those whose death is not sure to have freed it,
 * never exceeds the room of the server: an instance gets more only of what is free, and what it is to give up counts as
 * its own until it says that it is gone. So a newcomer waits until the others have shrunk. A book that was lost is
 * filled again before anybody gets more.
 *
 * Pure: whoever keeps the book sees to it that one entry is made at a time.
 *
 * @param book - `undefined` where there is none yet.
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
  const frozenUntilMs = lost ? clockMs + LEASE_MS : (book?.frozenUntilMs ?? 0);
  const others = before.filter(({ id }) => id !== report.id).flatMap((member) => remember(member, clockMs, report));
  const living = others.filter((member) => isLive(member, clockMs));
  const rooms = report.needs.map((need) => {
    const held = { need, living, ghosts: others.filter((member) => !living.includes(member)) };
    return shareOf(held, clockMs < frozenUntilMs);
  });
  const { id, fields } = report;
  const member: Member = { id, seenMs: clockMs, fields, claims: rooms.map(({ claim }) => claim) };
  const otherFields = [...new Set(living.map((other) => other.fields))].filter((text) => text !== fields);
  return {
    book: { clockMs, atMs: nowMs, frozenUntilMs, members: [...others, member] },
    reply: { live: living.length + 1, shares: rooms.map(({ share }) => share), otherFields },
  };
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

/** What still counts of another instance: nothing once all that it had is sure to be free. */
function remember(member: Member, clockMs: number, { needs }: MemberReport): Member[] {
  if (isLive(member, clockMs)) return [member];
  if (clockMs - member.seenMs > LEASE_MS + GHOST_MS) return [];
  const freed = needs.filter(({ gone }) => gone?.includes(member.id)).map(({ server }) => server);
  const claims = member.claims.filter(({ server, granted }) => granted > 0 && !freed.includes(server));
  return claims.length === 0 ? [] : [{ ...member, claims }];
}

interface Server {
  readonly need: ServerNeed;
  readonly living: readonly Member[];
  readonly ghosts: readonly Member[];
}

function shareOf(
  { need, living, ghosts }: Server,
  frozen: boolean,
): { readonly share: ServerShare; readonly claim: Claim } {
  const { server, wish, least, held, open } = need;
  const claimsOf = (members: readonly Member[]): Claim[] =>
    members.flatMap(({ claims }) => claims.filter((claim) => claim.server === server));
  const others = claimsOf(living);
  const rooms = [need.room, ...others.map((claim) => claim.room)].filter((each) => each !== undefined);
  const room = rooms.length === 0 ? undefined : Math.min(...rooms);
  const wishes = others.map((claim) => claim.wish);
  const target = room === undefined ? wish : fairShare(room, wish, wishes);
  const taken = [...others, ...claimsOf(ghosts)].reduce((sum, { granted }) => sum + granted, 0);
  const free = room === undefined ? Math.min(wish, least) : Math.max(0, room - taken);
  const granted = target <= held ? target : frozen ? held : Math.min(target, Math.max(held, free));
  const claim: Claim = { server, wish, granted: Math.max(granted, held), open, room: need.room };
  return {
    claim,
    share: {
      server,
      granted,
      target,
      ...(room === undefined ? {} : { room }),
      othersOpen: others.reduce((sum, each) => sum + each.open, 0),
      ghosts: ghosts.filter(({ claims }) => claims.some((each) => each.server === server)).map(({ id }) => id),
    },
  };
}
