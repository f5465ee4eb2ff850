import { beforeEach, describe, expect, it } from 'vitest';
import { ProbePatience } from '../../../src/pools/probe-patience.js';

describe('ProbePatience', () => {
  let patience: ProbePatience;
  beforeEach(() => {
    patience = new ProbePatience();
  });

  it.each([
    [0, undefined],
    [3, 500],
    [100, 500],
    [200, 600],
    [900, 2_700],
  ])('a server whose handshake takes %i ms is waited for so long: %s ms', (usualMs, expected) => {
    expect(patience.lookAfterMs(usualMs)).toBe(expected);
  });

  const fates = (count: number, reached: boolean): string =>
    Array.from({ length: count }, () => {
      const fate = patience.givesUp(reached) ? 'x' : 'O';
      patience.hung();
      return fate;
    }).join('');

  it('leaves every third probe that has reached somebody its whole time, and every ninth that has not', () => {
    expect(fates(9, true)).toBe('xxOxxOxxO');
    patience.answered();
    expect(fates(18, false)).toBe('xxxxxxxxOxxxxxxxxO');
  });

  it('begins anew after an answer', () => {
    expect(fates(2, true)).toBe('xx');
    patience.answered();
    expect(fates(3, true)).toBe('xxO');
  });
});
