/** The server did not finish the handshake in time. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';

  /** @param bound - What bounds it: the setting, or a reason of the pool's own. */
  constructor(timeoutMs: number, bound = 'connectTimeoutMs') {
    super(`the database did not accept a connection within ${Math.round(timeoutMs)} ms (${bound})`);
  }
}
