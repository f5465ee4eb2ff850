import { type Claim, claimsOn, type ServerNeed } from './fleet-share.js';

/**
 * What a dead instance had is kept for it for so long at least, unless it is seen to be gone: a server ends the sessions
 * of a process that died at once or within its check interval, those of a machine that died after the keepalives, which
 * take about ten seconds. So long it is kept, too, after its sessions were seen for the last time.
 */
export const GHOST_MS = 15_000;

/** An instance of which nothing is heard. */
export interface Silent {
  readonly id: string;
  /** When it died, as far as the book knows; in ms of the book. */
  readonly diedMs: number;
  readonly claims: readonly Claim[];
}

/** What is said of the dead: by the one who reports now, and by the others with their last words. */
export interface Sayings {
  readonly needs: readonly ServerNeed[];
  readonly others: readonly Claim[];
}

/**
 * What still counts of those who are taken for dead. One that cannot reach the book any more may well live, and serve:
 * as long as the living see more sessions on its server than are theirs, its claim stands, whatever time has passed.
 *
 * Sessions carry no names, so after {@link GHOST_MS} the dead of one server together are charged what is seen of them,
 * those who died first before the others, and none more than it was granted. No more of them are remembered than there
 * are sessions. Where nobody can tell what is left, time alone decides.
 *
 * @returns Each with the claims that stand; who has none is forgotten, and missing.
 */
export function remember(silent: readonly Silent[], sayings: Sayings, clockMs: number): Map<string, Claim[]> {
  const everybody = [...sayings.needs, ...sayings.others, ...silent.flatMap(({ claims }) => claims)];
  const remembered = new Map<string, Claim[]>();
  const charges = new Map<object, number>();
  for (const { id, diedMs, claims } of [...silent].sort((a, b) => a.diedMs - b.diedMs)) {
    const standing = claims.flatMap((claim): Claim[] => {
      const here = new Set<object>(claimsOn(claim, everybody));
      const heard = hear(id, claim, here, sayings, clockMs);
      if (claim.granted === 0 || heard === 'gone') return [];
      if (clockMs - diedMs <= GHOST_MS) return [heard];
      const { seen } = heard;
      if (seen === undefined || clockMs - seen.atMs > GHOST_MS) return [];
      const before = [...charges].flatMap(([each, charge]) => (here.has(each) ? [charge] : []));
      // One that is charged nothing now is, when another comes back whose sessions were taken for its own.
      if (before.length >= seen.sessions) return [];
      const rest = seen.sessions - before.reduce((sum, charge) => sum + charge, 0);
      const charge = Math.max(0, Math.min(claim.granted, rest));
      charges.set(claim, charge);
      return [{ ...heard, charge }];
    });
    if (standing.length > 0) remembered.set(id, standing);
  }
  return remembered;
}

/** A claim of a dead one with what is seen of it; nobody believes that all is gone while another sees some. */
function hear(
  id: string,
  claim: Claim,
  here: Set<object>,
  { needs, others }: Sayings,
  clockMs: number,
): Claim | 'gone' {
  const said = needs.filter((need) => here.has(need));
  const leftForOthers = most(others.filter((other) => here.has(other)));
  if (leftForOthers === 0 && said.some(({ gone }) => gone?.includes(id))) return 'gone';
  const sessions = Math.max(leftForOthers, most(said));
  return sessions === 0 ? claim : { ...claim, seen: { sessions, atMs: clockMs } };
}

function most(words: readonly { readonly left?: number | undefined }[]): number {
  return words.reduce((highest, { left = 0 }) => Math.max(highest, left), 0);
}
