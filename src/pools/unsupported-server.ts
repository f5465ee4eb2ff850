/** The server cannot be used with this driver, or not as it is asked for; the message names the remedy. */
export class UnsupportedServerError extends Error {
  override readonly name = 'UnsupportedServerError';
}
