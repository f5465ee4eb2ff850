import { execFileSync } from 'node:child_process';

/** What happens to packets: `DROP` loses them, `REJECT` answers them with a reset. */
export type Fate = 'DROP' | 'REJECT';

/** Whether packets can be filtered here: that takes root, and a kernel that allows it. */
export const CAN_FILTER: boolean = process.getuid?.() === 0 && attempt('-L', 'INPUT', '-n');

/** Rules of the packet filter on the loopback interface, for one port, until they are lifted. */
export class Firewall {
  readonly #rules: string[][] = [];
  readonly #onExit = (): void => this.lift();

  /**
   * @param port - Of one end of a connection.
   * @param peers - The ports of the other ends that are meant. Default: all.
   */
  set(fate: Fate, port: number, peers?: readonly number[]): void {
    if (this.#rules.length === 0) process.once('exit', this.#onExit);
    const target = fate === 'DROP' ? ['-j', 'DROP'] : ['-j', 'REJECT', '--reject-with', 'tcp-reset'];
    for (const peer of peers ?? [undefined]) {
      for (const [own, other] of [
        ['--dport', '--sport'],
        ['--sport', '--dport'],
      ] as const) {
        const ends = [own, String(port), ...(peer === undefined ? [] : [other, String(peer)])];
        const rule = ['INPUT', '-i', 'lo', '-p', 'tcp', ...ends, ...target];
        // A reset goes to who sent the packet: for the connecting side that is enough.
        if (fate === 'REJECT' && own === '--sport') continue;
        execFileSync('iptables', ['-w', '5', '-I', ...rule]);
        this.#rules.push(rule);
      }
    }
  }

  /** Takes all its rules back; without any it does nothing. */
  lift(): void {
    process.off('exit', this.#onExit);
    for (const rule of this.#rules.splice(0)) execFileSync('iptables', ['-w', '5', '-D', ...rule]);
  }
}

function attempt(...args: readonly string[]): boolean {
  try {
    execFileSync('iptables', ['-w', '5', ...args], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
