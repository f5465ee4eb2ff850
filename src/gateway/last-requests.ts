/** The part of a response that ends its connection. */
export interface DrainableResponse {
  shouldKeepAlive: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** The part of a server that tells of its requests. */
export interface RequestSource {
  prependListener(event: 'request', listener: (request: unknown, response: DrainableResponse) => void): unknown;
}

/**
 * The requests that reach a server while its gateway drains, guarded or not. Each is the last on its connection: an
 * answer that says so (`Connection: close`) leaves no client with a connection that is about to be cut under its next
 * request.
 */
export class LastRequests {
  #open = 0;

  constructor(server: RequestSource) {
    server.prependListener('request', (_request, response) => {
      response.shouldKeepAlive = false;
      this.#open += 1;
      response.once('close', () => {
        this.#open -= 1;
      });
    });
  }

  /** Whether all of them are answered. */
  get none(): boolean {
    return this.#open === 0;
  }
}
