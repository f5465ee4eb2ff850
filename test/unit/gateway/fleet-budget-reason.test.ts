import { expect, it } from 'vitest';
import type { ServerShare } from '../../../src/core/fleet-share.js';
import { whyTooFew } from '../../../src/gateway/fleet-budget-reason.js';

const POOLS = [
  { name: 'main', most: 10 },
  { name: 'side', most: 4 },
];
const SUM = 'main 10 + side 4 = 14 connections x 3 instances = 42, and server "db" has 40 for them';

it.each<[Partial<ServerShare>, string]>([
  [{ granted: 1, target: 13 }, `${SUM}: this instance has 1 until the others have given up theirs`],
  [
    { granted: 0, target: 1 },
    `${SUM}: 1 for each, less than one for each pool: run fewer instances or raise max_connections`,
  ],
  [
    { granted: 1, target: 9, charged: 13 },
    `${SUM}, 13 of which are still open of instances that are not heard any more (ended without a word, or cut off from ` +
      'where the fleet meets: end them or let them be heard): this instance has 1 until the others have given up theirs',
  ],
])('names the sum, and what would help: %j', (share, expected) => {
  const whole = { server: 'db', granted: 0, target: 0, othersOpen: 0, charged: 0, ghosts: [], ...share };
  expect(whyTooFew(POOLS, whole, 40, 3)).toBe(expected);
});
