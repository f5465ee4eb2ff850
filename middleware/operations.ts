import { randomBytes } from 'node:crypto';
import express, { type Request, type RequestHandler } from 'express';
import type { Gateway } from '../src/gateway.js';
import { Metrics, type MetricsOptions } from '../src/telemetry/metrics.js';
import { dashboardPage, dashboardPolicy } from './dashboard-page.js';
import { sendProblem } from './problem.js';

/** Options of {@link operations}. */
export interface OperationsOptions {
  /** Who may look. No default: figures about a shop are not for everybody, so each mount says for whom they are. */
  readonly authorize: (req: Request) => boolean | Promise<boolean>;
}

/**
 * Dashboard and snapshot for operators, where it is mounted and nowhere else: `GET /` and `GET /snapshot.json`.
 *
 * @throws TypeError without `authorize`.
 */
export function operations(gateway: Gateway, options: OperationsOptions): RequestHandler {
  const authorize = options?.authorize;
  if (typeof authorize !== 'function') {
    throw new TypeError('operations() needs { authorize: (req) => boolean }: say who may see the figures');
  }
  const router = express.Router();
  router.use((req, res, next) => {
    // Called inside `then`, so that a check that throws refuses like one that rejects.
    Promise.resolve(req)
      .then(authorize)
      .then((allowed) => {
        if (allowed === true) next();
        else sendProblem(res, { status: 403, detail: 'These figures are for operators.' });
      })
      .catch(next);
  });
  router.get('/snapshot.json', (_req, res) => {
    res.set('Cache-Control', 'no-store').json(gateway.snapshot());
  });
  router.get('/', (_req, res) => {
    const nonce = randomBytes(16).toString('base64');
    res.set({ 'Cache-Control': 'no-store', 'Content-Security-Policy': dashboardPolicy(nonce) });
    res.type('html').send(dashboardPage(nonce));
  });
  return router;
}

/** Prometheus text at the path where it is mounted, by `app.get('/metrics', metrics(gateway))`. */
export function metrics(gateway: Gateway, options: MetricsOptions = {}): RequestHandler {
  const source = new Metrics(() => gateway.telemetry(), options);
  return (_req, res, next) => {
    source.text().then((text) => {
      res.set({ 'Content-Type': source.contentType, 'Cache-Control': 'no-store' }).send(text);
    }, next);
  };
}
