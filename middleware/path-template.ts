import type { Request } from 'express';

/**
 * The path that the application wrote for a request, as it is known where the guard stands and when the answer is out.
 * Below another path there is none: the part that was mounted may hold what clients sent.
 */
export class PathTemplate {
  readonly #route: unknown;
  readonly #path: string | undefined;

  /** @param req - As the guard sees it. */
  constructor(req: Request) {
    this.#route = req.route;
    this.#path = templateOf(req);
  }

  /**
   * Of the route in which the request is at last; that of the guard where it is the same, or where an error has left all
   * routers: Express forgets then where they were mounted.
   */
  of(req: Request): string | undefined {
    return req.route === this.#route || req.baseUrl === undefined ? this.#path : templateOf(req);
  }
}

function templateOf(req: Request): string | undefined {
  const path: unknown = req.baseUrl === '' ? req.route?.path : undefined;
  return typeof path === 'string' ? path : undefined;
}
