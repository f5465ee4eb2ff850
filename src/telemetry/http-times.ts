import { Histogram } from './histogram.js';

/** Methods by their own name; there is no end of others. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'QUERY']);

/** Client closed the request: what logs and metrics say of an answer that nobody got. */
export const CLIENT_CLOSED = 499;

/** The method as a label: one of the usual ones, or `_OTHER`. */
export function knownMethod(method: string | undefined): string {
  return method !== undefined && METHODS.has(method) ? method : '_OTHER';
}

/** The answers of one route with the same method and status. */
export interface HttpAnswers {
  readonly method: string;
  /** A whole number from 100 to 599. */
  readonly status: number;
  /** From arrival to the end of the answer. */
  readonly times: Histogram;
}

/**
 * How long HTTP requests took from their arrival to the end of their answer, refused ones included, by method and
 * status. What there is of it is bounded: usual methods, and statuses of three digits, each made with its first answer.
 */
export class HttpTimes {
  readonly #byMethod = new Map<string, Map<number, Histogram>>();

  /** @param method - See {@link knownMethod}. */
  observe(method: string, status: number, durationMs: number): void {
    const ofMethod = this.#byMethod.get(method);
    const times = ofMethod?.get(status);
    if (times !== undefined) times.observe(durationMs);
    else if (Number.isInteger(status) && status >= 100 && status <= 599)
      this.#first(method, status).observe(durationMs);
  }

  /** In the order in which they came first. */
  *[Symbol.iterator](): Generator<HttpAnswers> {
    for (const [method, byStatus] of this.#byMethod) {
      for (const [status, times] of byStatus) yield { method, status, times };
    }
  }

  #first(method: string, status: number): Histogram {
    const times = new Histogram();
    const byStatus = this.#byMethod.get(method) ?? new Map<number, Histogram>();
    this.#byMethod.set(method, byStatus.set(status, times));
    return times;
  }
}
