/** The server did not finish the handshake in time. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';
  constructor(connectTimeoutMs: number) {
    super(`the database did not accept a connection within ${connectTimeoutMs} ms (connectTimeoutMs)`);
  }
}
