import type { RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import CircuitBreaker from 'opossum';
import PQueue from 'p-queue';
import { createGateway } from 'sluice';
import { protect } from 'sluice/express';
import type { RawVariant } from './variants.js';

/** Handlers of the trivial route, and what ends them. */
export interface Guarded {
  readonly handlers: readonly RequestHandler[];
  close(): Promise<void>;
}

const LIFTED = 1_000_000;
const SEATS = 16;
const DEADLINE_MS = 500;

const answer = (response: Response): void => {
  response.json({ ok: true });
};
const handle: RequestHandler = (_request, response) => answer(response);
const nothing = async (): Promise<void> => undefined;

/** What each variant puts before the same handler. */
export const GUARDS: Readonly<Record<RawVariant, () => Promise<Guarded>>> = {
  bare: async () => ({ handlers: [handle], close: nothing }),
  sluice: () => sluice(false),
  'sluice-headers': () => sluice(true),
  'rate-limit': async () => ({ handlers: [limiter(), handle], close: nothing }),
  glue: async () => ({ handlers: [limiter(), glued()], close: nothing }),
};

/** A route as in production: a pool of 16 seats, a bucket, a deadline, counters. */
async function sluice(rateLimitHeaders: boolean): Promise<Guarded> {
  const gateway = await createGateway({
    rateLimitHeaders,
    readinessDelayMs: 0,
    pools: { main: { max: SEATS } },
    routes: {
      trivial: {
        pool: 'main',
        priority: 'critical',
        ratePerSecond: LIFTED,
        burst: LIFTED,
        deadlineMs: DEADLINE_MS,
        maxQueued: 1_000,
      },
    },
  });
  return { handlers: [protect(gateway, 'trivial', {}, handle)], close: () => gateway.drain() };
}

function limiter(): RequestHandler {
  return rateLimit({ windowMs: 1_000, limit: LIFTED, standardHeaders: 'draft-8', legacyHeaders: false });
}

/** Queue and breaker around the work of the handler, as people write it. */
function glued(): RequestHandler {
  const queue = new PQueue({ concurrency: SEATS });
  const breaker = new CircuitBreaker(async (response: Response) => answer(response), { timeout: DEADLINE_MS });
  return async (_request, response) => {
    await queue.add(() => breaker.fire(response));
  };
}
