/** The session ended before or while a statement ran, because its owner ended it. */
export class ConnectionEndedError extends Error {
  override readonly name = 'ConnectionEndedError';
}

/** The same, because the server has left the session without an answer for too long. */
export function unanswered(): ConnectionEndedError {
  return new ConnectionEndedError('the database did not answer in time');
}
