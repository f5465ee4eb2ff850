import express, { type Request, type RequestHandler, type Response } from 'express';
import { ConfigError, formatProblem } from '../../src/config/problem.js';
import type { LiveChange } from '../../src/gateway/live-changes.js';
import type { Gateway } from '../../src/gateway.js';
import { sendProblem } from '../problem.js';
import { problemHandler } from '../problem-handler.js';

/**
 * `POST /` with `{ path, value, run }` and `POST /undo` with `{ id, run }`: changes of settings by an operator's browser.
 *
 * A page from elsewhere can make a browser send forms, but neither JSON with a header of its own nor read our answer to
 * the question whether it may; so those are asked for, and what the browser itself says about where it comes from.
 *
 * Each process has settings of its own, and counts changes from 1: `run` says whose were seen, so that after a restart,
 * or behind a balancer, nobody changes a setting, or takes back a change, that he has not seen.
 */
export function changesRouter({ liveChanges }: Gateway): RequestHandler {
  const router = express.Router();
  router.use(fromThisPage, express.json({ limit: '4kb', type: 'application/json' }));
  router.post('/', (req, res) => {
    const { path, value, run: of } = fields(req);
    if (
      typeof path !== 'string' ||
      (typeof value !== 'string' && typeof value !== 'number') ||
      typeof of !== 'string'
    ) {
      return refuse(
        res,
        400,
        'Send { "path": text, "value": number, "run": text }, with the run that config.json has.',
      );
    }
    if (of !== liveChanges.run) return refuse(res, 409, SETTINGS_OF_ANOTHER_RUN);
    answer(res, () => liveChanges.set(path, value));
  });
  router.post('/undo', (req, res) => {
    const { id, run: of } = fields(req);
    if (typeof id !== 'number' || typeof of !== 'string') {
      return refuse(res, 400, 'Send { "id": number, "run": text }, as config.json has them.');
    }
    if (of !== liveChanges.run) return refuse(res, 409, CHANGE_OF_ANOTHER_RUN);
    answer(res, () => liveChanges.undo(id));
  });
  // Of the body above: the application may have no error handler but that of Express, which shows paths of this machine.
  router.use(problemHandler());
  return router;
}

const SETTINGS_OF_ANOTHER_RUN =
  'Nothing was changed: the settings that you saw are of another process, from before a restart or of another instance; look at what holds here, and set it again.';
const CHANGE_OF_ANOTHER_RUN =
  'Nothing was undone: the change is of another process, from before a restart or of another instance, and what it changed does not hold here.';

const fromThisPage: RequestHandler = (req, res, next) => {
  const site = req.headers['sec-fetch-site'];
  const elsewhere = site !== undefined && site !== 'same-origin';
  if (elsewhere || req.headers['x-sluice-change'] !== '1' || !req.is('application/json')) {
    return refuse(res, 403, 'Changes come from the dashboard itself: JSON with the header X-Sluice-Change: 1.');
  }
  next();
};

function fields(req: Request): Readonly<Record<string, unknown>> {
  const body: unknown = req.body;
  return typeof body === 'object' && body !== null ? { ...body } : {};
}

function answer(res: Response, change: () => LiveChange): void {
  try {
    res.set('Cache-Control', 'no-store').json(change());
  } catch (error) {
    if (error instanceof ConfigError) refuse(res, 422, error.problems.map(formatProblem).join('; '));
    else if (error instanceof RangeError) refuse(res, 409, error.message);
    else throw error;
  }
}

function refuse(res: Response, status: number, detail: string): void {
  sendProblem(res, { status, detail });
}
