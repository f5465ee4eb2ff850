import { readFileSync } from 'node:fs';

/** Linux counts processor time in these, whatever the machine. */
const TICK_MS = 10;

/**
 * Processor time that a process has used since it began, its children included, those alive and those that ended, in
 * milliseconds; in steps of 10. `undefined` where the system does not tell (anything but Linux), or when it is gone.
 */
export function processCpuMs(pid: number): number | undefined {
  try {
    // The second field is the name in brackets, which may hold anything; what counts comes after the last of them.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const alive = children === '' ? [] : children.split(' ');
    return ticks * TICK_MS + alive.reduce((sum, child) => sum + (processCpuMs(Number(child)) ?? 0), 0);
  } catch {
    return undefined;
  }
}
