import { fairShare } from './budget-share.js';

/** What one instance needs of one database server, and what it has there. Connections, whole numbers. */
export interface ServerNeed {
  /** Names the server. */
  readonly server: string;
  /** Further names of it: other addresses, and what it says of itself. Who shares any name shares the server. */
  readonly aliases?: readonly string[];
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
  /** Sessions of the fleet on the server beyond those of the living: those of the dead. Absent where nobody can tell. */
  readonly left?: number;
  /** Such sessions while nobody was dead: they are of no instance, and count as nobody's. Absent until that is known. */
  readonly strangers?: number;
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
  /** What is kept of the room for instances that are not heard any more, because their sessions are still seen. */
  readonly charged: number;
  /** Dead instances whose sessions may still be there. */
  readonly ghosts: readonly string[];
  /** The least that anybody knows of sessions that are no instance's; absent where nobody knows. */
  readonly strangers?: number;
}

/** What an instance was granted of one server. */
export interface Claim {
  readonly server: string;
  readonly aliases?: readonly string[] | undefined;
  readonly wish: number;
  readonly granted: number;
  readonly open: number;
  readonly room?: number | undefined;
  /** What it saw of the dead when it wrote last. */
  readonly left?: number | undefined;
  readonly strangers?: number | undefined;
  /** Of a dead one: when sessions of the dead were seen on the server the last time, and how many. */
  readonly seen?: { readonly sessions: number; readonly atMs: number } | undefined;
  /** Of one that is dead for long: what is charged to it of what is seen. Until then all that it was granted counts. */
  readonly charge?: number | undefined;
}

interface Claimant {
  readonly id: string;
  readonly claims: readonly Claim[];
}

/** Who else has to do with the servers of an instance. */
export interface OtherClaims {
  readonly living: readonly Claimant[];
  /** Dead ones, what they had is not sure to be free. */
  readonly ghosts: readonly Claimant[];
}

/** What was decided for one need. */
export interface Decided {
  readonly share: ServerShare;
  readonly claim: Claim;
}

/**
 * What one instance may have of its servers, beside the others.
 *
 * @param frozen - Whether nobody gets more than he has, but for the least with which he can find out the room.
 */
export function sharesOf(needs: readonly ServerNeed[], { living, ghosts }: OtherClaims, frozen: boolean): Decided[] {
  const decided: Decided[] = [];
  for (const [index, need] of needs.entries()) {
    // It may not know yet that two of its own are one server.
    const done = decided.map(({ claim }) => claim);
    const toCome = needs.slice(index + 1).map((each): Claim => ({ ...each, granted: each.held }));
    decided.push(shareOf(need, { living: [...living, { id: '', claims: [...done, ...toCome] }], ghosts }, frozen));
  }
  return decided;
}

function shareOf(need: ServerNeed, { living, ghosts }: OtherClaims, frozen: boolean): Decided {
  const { server, aliases, wish, least, held, open, left, strangers } = need;
  const alive = living.flatMap(({ claims }) => claims);
  const here = claimsOn(need, [...alive, ...ghosts.flatMap(({ claims }) => claims)]);
  const others = here.filter((claim) => alive.includes(claim));
  const dead = here.filter((claim) => !alive.includes(claim));
  const rooms = [need.room, ...others.map((claim) => claim.room)].filter((each) => each !== undefined);
  const room = rooms.length === 0 ? undefined : Math.min(...rooms);
  const known = [need, ...here].map((each) => each.strangers).filter((each) => each !== undefined);
  const wishes = others.map((claim) => claim.wish);
  // What is charged to the dead may stay with them for ever: the living divide the rest.
  const charged = dead.reduce((sum, { charge = 0 }) => sum + charge, 0);
  const target = room === undefined ? wish : fairShare(room - charged, wish, wishes);
  const taken = [...others, ...dead].reduce((sum, { granted, charge = granted }) => sum + charge, 0);
  const free = room === undefined ? Math.min(wish, least) : frozen ? 0 : Math.max(0, room - taken);
  const granted = Math.min(target, Math.max(held, free));
  return {
    claim: { server, aliases, wish, granted: Math.max(granted, held), open, room: need.room, left, strangers },
    share: {
      server,
      granted,
      target,
      ...(room === undefined ? {} : { room }),
      othersOpen: others.reduce((sum, each) => sum + each.open, 0),
      charged,
      ghosts: ghosts.filter(({ claims }) => claims.some((claim) => dead.includes(claim))).map(({ id }) => id),
      ...(known.length === 0 ? {} : { strangers: Math.min(...known) }),
    },
  };
}

interface Named {
  readonly server: string;
  readonly aliases?: readonly string[] | undefined;
}

/**
 * Those that are on the server of `one`, by any name: who is linked to it by others is there as well, because an
 * instance knows a server by the addresses that it has for it, and from its last connection.
 */
export function claimsOn<T extends Named>(one: Named, claims: readonly T[]): T[] {
  const names = new Set(namesOf(one));
  const here = new Set<T>();
  for (;;) {
    const more = claims.filter((claim) => !here.has(claim) && namesOf(claim).some((name) => names.has(name)));
    if (more.length === 0) return [...here];
    for (const claim of more) {
      here.add(claim);
      for (const name of namesOf(claim)) names.add(name);
    }
  }
}

function namesOf({ server, aliases = [] }: Named): readonly string[] {
  return [server, ...aliases];
}
