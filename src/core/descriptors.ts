import { requireNumber } from './numbers.js';

/**
 * Descriptors that are neither clients nor sessions: Node's own (about 25), files that are read when first needed, and
 * the short connections that cancel a statement.
 */
const OTHERS = 64;

/** Clients for whom there should be room beside the pools: an HTTP server keeps idle ones too. */
const FEWEST_CLIENTS = 500;

/** Whether the connections that a process plans fit its descriptors, with the sum. */
export interface DescriptorVerdict {
  readonly ok: boolean;
  /** Clients that fit beside the pools; at least 1, so that somebody can be told. */
  readonly clients: number;
  /** One sentence with the whole sum, and with the remedy where it does not fit. */
  readonly detail: string;
}

/**
 * Splits the descriptors of a process: every session of every pool needs one, a few are for the rest, and what is left
 * is for clients.
 *
 * @param limit - Descriptors that the process may have open at once; at least 1.
 * @param sessions - Sessions that its pools may open, all together.
 * @throws RangeError when a number is out of range.
 */
export function splitDescriptors(limit: number, sessions: number): DescriptorVerdict {
  requireNumber('limit', limit, { min: 1, integer: true });
  requireNumber('sessions', sessions, { min: 0, integer: true });
  const left = limit - sessions - OTHERS;
  const ok = left >= FEWEST_CLIENTS;
  const sum = `of ${limit} file descriptors the pools may need ${sessions} and the process itself ${OTHERS}, which leaves`;
  const advice = ` (fewer than ${FEWEST_CLIENTS}): raise "ulimit -n" (LimitNOFILE of a service) to at least ${sessions + OTHERS + FEWEST_CLIENTS}, or lower the sizes of the pools`;
  const clients = Math.max(1, left);
  return { ok, clients, detail: `${sum} ${Math.max(0, left)} for clients${ok ? '' : advice}` };
}
