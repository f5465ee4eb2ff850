import { readFileSync } from 'node:fs';

/** Node reads the shop's modules all at once, and the pools want 30. */
const FEWEST = 128;

/**
 * Why this process cannot start for want of file descriptors, where it cannot: out of them, Node tells of modules that it
 * does not find. Needs nothing but Node itself, so that it can be asked before anything else is loaded.
 */
export function tooFewDescriptors(): string | undefined {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Not Linux.
    return undefined;
  }
  const [, count] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  if (count === undefined || Number(count) >= FEWEST) return undefined;
  return `this process may open ${count} file descriptors and needs at least ${FEWEST} to start: raise "ulimit -n" (LimitNOFILE of a service), best to 1024 or more`;
}
