import { readFileSync } from 'node:fs';

/**
 * Descriptors that this process may have open at once, or `undefined` where the system does not tell or sets no bound.
 * Node itself has raised the soft limit to the hard one by now.
 */
export function readDescriptorLimit(): number | undefined {
  let text: string;
  try {
    // Linux only; the other systems tell it to a shell, not to a process.
    text = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
  const [, soft] = /^Max open files\s+(\d+)/m.exec(text) ?? [];
  return soft === undefined ? undefined : Number(soft);
}
