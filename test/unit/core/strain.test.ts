import { describe, expect, it } from 'vitest';
import { Strain } from '../../../src/core/strain.js';

const end = (strain: Strain, count: number, strained: number): void => {
  for (let request = 0; request < count; request++) strain.end(request < strained);
};

describe('strain', () => {
  it.each([
    [20, 0, 'sound'],
    [20, 2, 'sound'],
    [20, 3, 'burst'],
    [19, 19, 'too_few'],
  ])('of %s ends %s strained: %s', (count, strained, verdict) => {
    const strain = new Strain(0);
    end(strain, count, strained);
    expect(strain.judge(100, false)).toBe(verdict);
  });

  it('judges fewer after a while, and forgets the rest', () => {
    const strain = new Strain(0);
    end(strain, 5, 2);
    expect(strain.judge(1_999, false)).toBe('too_few');
    expect(strain.judge(2_000, false)).toBe('burst');
    end(strain, 4, 4);
    expect(strain.judge(4_000, false)).toBe('too_few');
    end(strain, 16, 0);
    expect(strain.judge(4_001, false)).toBe('too_few');
  });

  it('one alone is no burst', () => {
    const strain = new Strain(0);
    end(strain, 5, 1);
    expect(strain.judge(2_000, false)).toBe('sound');
  });

  it('counts what fails within a request', () => {
    const strain = new Strain(0);
    end(strain, 20, 0);
    for (let note = 0; note < 3; note++) strain.note();
    expect(strain.judge(100, false)).toBe('burst');
  });

  it('judges by what is usual in calm times, and not in them', () => {
    const strain = new Strain(0);
    for (let round = 0; round < 50; round++) {
      end(strain, 20, 8);
      expect(strain.judge(round, true)).toBe('sound');
    }
    end(strain, 20, 15);
    expect(strain.judge(100, false)).toBe('sound');
    end(strain, 20, 17);
    expect(strain.judge(100, false)).toBe('burst');
  });
});
