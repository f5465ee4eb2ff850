import { execFileSync } from 'node:child_process';

/** Whose a process and its files are. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who runs a server that refuses to run as root; `undefined` where this process is not root either.
 *
 * @param users - The first of them that exists.
 */
export function unprivilegedOwner(...users: readonly string[]): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string, user: string): number =>
    Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  for (const user of users) {
    try {
      return { uid: idOf('-u', user), gid: idOf('-g', user) };
    } catch {
      // This user does not exist here: try the next.
    }
  }
  throw new Error(`running as root needs a user ${users.map((user) => `"${user}"`).join(' or ')}`);
}
