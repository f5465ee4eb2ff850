import type { RequestHandler } from 'express';
import type { Gateway } from '../src/gateway.js';

/** Where the probes answer. */
export interface HealthOptions {
  /** Default `/healthz`. */
  readonly livenessPath?: string;
  /** Default `/readyz`. */
  readonly readinessPath?: string;
}

/**
 * Liveness and readiness. Liveness says that the process answers, and depends on nothing else. Readiness fails while
 * draining, over budget, or when no pool can reach its database; shedding load does not make an instance unready, for
 * that would push the load on to its peers.
 */
export function health(gateway: Gateway, options: HealthOptions = {}): RequestHandler {
  const { livenessPath = '/healthz', readinessPath = '/readyz' } = options;
  return (req, res, next) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return next();
    if (req.path === livenessPath) {
      res.set('Cache-Control', 'no-store').json({ status: 'pass' });
    } else if (req.path === readinessPath) {
      const { ready, reasons } = gateway.readiness();
      res.status(ready ? 200 : 503).set('Cache-Control', 'no-store');
      res.json(ready ? { status: 'pass' } : { status: 'fail', reasons });
    } else {
      next();
    }
  };
}
