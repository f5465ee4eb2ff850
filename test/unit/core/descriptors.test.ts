import { describe, expect, it } from 'vitest';
import { splitDescriptors } from '../../../src/core/descriptors.js';

describe('OS-1 descriptors', () => {
  const rows: [limit: number, sessions: number, ok: boolean, clients: number][] = [
    [1_048_576, 30, true, 1_048_482],
    [1_024, 30, true, 930],
    [594, 30, true, 500],
    [593, 30, false, 499],
    [128, 30, false, 34],
    [94, 30, false, 1],
    [40, 30, false, 1],
    [1_024, 0, true, 960],
  ];
  it.each(rows)('of %i with %i sessions', (limit, sessions, ok, clients) => {
    expect(splitDescriptors(limit, sessions)).toMatchObject({ ok, clients });
  });

  it('tells the sum, and what would help only where it is needed', () => {
    expect(splitDescriptors(128, 30).detail).toBe(
      'of 128 file descriptors the pools may need 30 and the process itself 64, which leaves 34 for clients ' +
        '(fewer than 500): raise "ulimit -n" (LimitNOFILE of a service) to at least 594, or lower the sizes of the pools',
    );
    expect(splitDescriptors(1_024, 30).detail).toMatch(/930 for clients$/);
  });

  it('refuses what is no count', () => {
    expect(() => splitDescriptors(0, 1)).toThrow(RangeError);
    expect(() => splitDescriptors(10, 1.5)).toThrow(RangeError);
  });
});
