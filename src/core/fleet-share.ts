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

/** What an instance was granted of one server. */
export interface Claim {
  readonly server: string;
  readonly aliases?: readonly string[] | undefined;
  readonly wish: number;
  readonly granted: number;
  readonly open: number;
  readonly room?: number | undefined;
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
  const { server, aliases, wish, least, held, open } = need;
  const alive = living.flatMap(({ claims }) => claims);
  const here = claimsOn(need, [...alive, ...ghosts.flatMap(({ claims }) => claims)]);
  const others = here.filter((claim) => alive.includes(claim));
  const dead = here.filter((claim) => !alive.includes(claim));
  const rooms = [need.room, ...others.map((claim) => claim.room)].filter((each) => each !== undefined);
  const room = rooms.length === 0 ? undefined : Math.min(...rooms);
  const wishes = others.map((claim) => claim.wish);
  const target = room === undefined ? wish : fairShare(room, wish, wishes);
  const taken = [...others, ...dead].reduce((sum, { granted }) => sum + granted, 0);
  const free = room === undefined ? Math.min(wish, least) : frozen ? 0 : Math.max(0, room - taken);
  const granted = Math.min(target, Math.max(held, free));
  return {
    claim: { server, aliases, wish, granted: Math.max(granted, held), open, room: need.room },
    share: {
      server,
      granted,
      target,
      ...(room === undefined ? {} : { room }),
      othersOpen: others.reduce((sum, each) => sum + each.open, 0),
      ghosts: ghosts.filter(({ claims }) => claims.some((claim) => dead.includes(claim))).map(({ id }) => id),
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
export function claimsOn(one: Named, claims: readonly Claim[]): Claim[] {
  const names = new Set(namesOf(one));
  const here = new Set<Claim>();
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
