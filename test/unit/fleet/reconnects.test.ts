import { expect, it } from 'vitest';
import { Reconnects } from '../../../src/fleet/reconnects.js';

/** How long each of so many attempts is waited for, at a refusal or at a loss of connection, a second apart. */
function waits(refused: boolean, count: number, draw: number, apartMs = 1_000): number[] {
  let nowMs = 0;
  const reconnects = new Reconnects(
    () => draw,
    () => nowMs,
  );
  return Array.from({ length: count }, (_, index) => {
    nowMs += apartMs;
    if (refused) reconnects.refused();
    // A replica is ready each time before it refuses.
    return reconnects.waitMs(refused ? 1 : index + 1);
  });
}

it('waits longer and longer for a server that refuses, and less than a second', () => {
  expect(waits(true, 7, 1)).toEqual([50, 100, 200, 400, 800, 900, 900]);
  expect(waits(true, 7, 0)).toEqual([25, 50, 100, 200, 400, 450, 450]);
});

it('begins anew where refusals lie far apart', () => {
  expect(waits(true, 3, 1, 6_000)).toEqual([50, 50, 50]);
});

it('waits less for a server that went away: each restart would cost the rest of it', () => {
  expect(waits(false, 7, 1)).toEqual([50, 100, 150, 200, 250, 250, 250]);
});
