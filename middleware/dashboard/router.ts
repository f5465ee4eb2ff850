import { randomBytes } from 'node:crypto';
import express, { type Response, type Router } from 'express';
import type { Gateway } from '../../src/gateway.js';
import { sendProblem } from '../problem.js';
import { changesRouter } from './changes.js';
import { configView } from './config-view.js';
import { DashboardFeed } from './feed.js';
import type { MayLook } from './may-look.js';
import { dashboardPage, dashboardPolicy } from './page.js';
import { uplotFiles } from './uplot-files.js';

/**
 * The page, its parts and what feeds it. Who may ask for them is decided in front of it.
 *
 * @param mayLook - For what outlasts that decision; absent where everybody may look.
 */
export function dashboardRouter(gateway: Gateway, allowChanges: boolean, mayLook?: MayLook): Router {
  const router = express.Router();
  const feed = new DashboardFeed(gateway);
  router.use((_req, res, next) => {
    res.set({ 'X-Content-Type-Options': 'nosniff', 'Cross-Origin-Resource-Policy': 'same-origin' });
    res.set({ 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' });
    next();
  });
  router.get('/', (_req, res) => {
    const nonce = randomBytes(16).toString('base64');
    res.set('Content-Security-Policy', dashboardPolicy(nonce)).type('html').send(dashboardPage(nonce));
  });
  router.get('/snapshot.json', (_req, res) => {
    res.json(gateway.snapshot());
  });
  router.get('/config.json', (_req, res) => {
    res.json(configView(gateway, allowChanges, Date.now()));
  });
  router.get('/events', (req, res) => {
    // The page asks by HEAD why it gets no events.
    if (!feed.open) sendProblem(res, { status: 503, detail: 'The server is shutting down, or too many look already.' });
    else if (req.method === 'HEAD') res.type('text/event-stream').end();
    else feed.attach(req, res, mayLook && (() => mayLook(req)));
  });
  const files = uplotFiles();
  router.get(
    '/uplot.js',
    (_req, res) =>
      void sendPart(
        res,
        'text/javascript',
        files.then((found) => found?.script),
      ),
  );
  router.get(
    '/uplot.css',
    (_req, res) =>
      void sendPart(
        res,
        'text/css',
        files.then((found) => found?.style),
      ),
  );
  if (allowChanges) router.use('/changes', changesRouter(gateway));
  return router;
}

/** The parts change with the version of a package only. */
async function sendPart(res: Response, type: string, text: Promise<string | undefined>): Promise<void> {
  const found = await text;
  if (found === undefined) sendProblem(res, { status: 404, detail: 'The package uplot is not installed.' });
  else res.set('Cache-Control', 'private, max-age=3600').type(type).send(found);
}
