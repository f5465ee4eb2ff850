import type { ServerShare } from '../core/fleet-share.js';

/** A pool, and what it may have at most. */
export interface WishingPool {
  readonly name: string;
  readonly most: number;
}

/**
 * Why an instance has less than one connection for each of its pools on a server, with the sum and what would help.
 *
 * @param room - What the server has for the fleet.
 * @param live - Instances that live.
 */
export function whyTooFew(
  pools: readonly WishingPool[],
  { server, granted, target, charged }: ServerShare,
  room: number,
  live: number,
): string {
  const wish = pools.reduce((sum, { most }) => sum + most, 0);
  const sum =
    `${pools.map(({ name, most }) => `${name} ${most}`).join(' + ')} = ${wish} connections x ${live} ` +
    `instances = ${wish * live}, and server "${server}" has ${room} for them`;
  const kept =
    charged === 0
      ? ''
      : `, ${charged} of which are still open of instances that are not heard any more (ended without a word, or cut off ` +
        'from where the fleet meets: end them or let them be heard)';
  const next =
    target < pools.length
      ? `${target} for each, less than one for each pool: run fewer instances or raise max_connections`
      : `this instance has ${granted} until the others have given up theirs`;
  return `${sum}${kept}: ${next}`;
}
