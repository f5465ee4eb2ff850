import { readdirSync, readFileSync } from 'node:fs';

/** Figures of the machine and the process; `undefined` where the system does not tell. */
export interface HostGauges {
  /** Since the machine started. */
  readonly contextSwitches: number | undefined;
  /** TCP sockets in TIME_WAIT, in the network of this process. */
  readonly socketsInTimeWait: number | undefined;
  /** File descriptors that this process has open. */
  readonly openDescriptors: number | undefined;
}

/** Reads them from `/proc`, in some 100 µs; there is none but on Linux. */
export function hostGauges(proc: string = '/proc'): HostGauges {
  return {
    contextSwitches: numberIn(`${proc}/stat`, /^ctxt (\d+)/m),
    socketsInTimeWait: numberIn(`${proc}/net/sockstat`, /^TCP:.* tw (\d+)/m),
    openDescriptors: attempt(() => readdirSync(`${proc}/self/fd`).length),
  };
}

/**
 * Bytes that processes of this name have to themselves, on average; `undefined` where none of them is to be seen, as on
 * another host, where these may be the numbers of others.
 */
export function ownBytes(pids: readonly number[], name: string, proc: string = '/proc'): number | undefined {
  const found = pids.flatMap((pid) => {
    const status = attempt(() => readFileSync(`${proc}/${pid}/status`, 'utf8')) ?? '';
    const [, ofWhom] = /^Name:\s+(.+)$/m.exec(status) ?? [];
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? [];
    return ofWhom === name && kilobytes !== undefined ? [Number(kilobytes) * 1_024] : [];
  });
  return found.length === 0 ? undefined : found.reduce((sum, bytes) => sum + bytes, 0) / found.length;
}

function numberIn(file: string, pattern: RegExp): number | undefined {
  const found = attempt(() => pattern.exec(readFileSync(file, 'utf8'))?.[1]);
  return found === undefined ? undefined : Number(found);
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
