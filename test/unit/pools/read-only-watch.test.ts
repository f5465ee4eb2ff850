import { describe, expect, it } from 'vitest';
import { ReadOnlyWatch } from '../../../src/pools/read-only-watch.js';

function make(): { readonly watch: ReadOnlyWatch; readonly codes: string[] } {
  const codes: string[] = [];
  const onWarning = (code: string): unknown => codes.push(code);
  const listener = { onDown: () => undefined, onUp: () => undefined, onGranted: () => undefined, onWarning };
  return { watch: new ReadOnlyWatch(() => 0, listener), codes };
}

describe('the watch for a server that takes no writes', () => {
  it('has the sessions replaced at the first finding, then ever more rarely', () => {
    const { watch, codes } = make();
    const replaced: number[] = [];
    for (let nowMs = 0; nowMs < 30_000; nowMs += 10) if (watch.found(nowMs)) replaced.push(nowMs);
    expect(replaced.slice(0, 5)).toEqual([0, 20, 60, 140, 300]);
    expect(replaced.length).toBeLessThan(20);
    expect((replaced.at(-1) ?? 0) - (replaced.at(-2) ?? 0)).toBe(5_000);
    expect(codes).toEqual(['database_read_only']);
  });

  it('begins anew after a calm of a minute', () => {
    const { watch, codes } = make();
    for (let nowMs = 0; nowMs < 30_000; nowMs += 10) watch.found(nowMs);
    expect(watch.found(95_000)).toBe(true);
    expect(watch.found(95_020)).toBe(true);
    expect(codes).toEqual(['database_read_only', 'database_read_only']);
  });
});
