import type { IncomingMessage } from 'node:http';

/** A body up to this length has usually arrived with its headers; reading it away is cheaper than a new connection. */
const READ_AWAY_BYTES = 65_536;

/**
 * Whether the connection must be closed after a refusal that read no body: when more of it is coming than is worth
 * reading away, or nobody knows how much.
 */
export function closesAfterRefusal(req: IncomingMessage): boolean {
  if (req.complete) return false;
  if (req.headers['transfer-encoding'] !== undefined) return true;
  const length = req.headers['content-length'];
  return length !== undefined && Number(length) > READ_AWAY_BYTES;
}
