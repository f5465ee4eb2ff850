import express, { type Request, type RequestHandler } from 'express';
import { checkKnownOptions } from '../src/core/known-options.js';
import type { Gateway } from '../src/gateway.js';
import { Metrics, type MetricsOptions } from '../src/telemetry/metrics.js';
import { kindOf } from '../src/telemetry/quietly.js';
import { guardedBy, mayLookBy } from './dashboard/may-look.js';
import { dashboardRouter } from './dashboard/router.js';

/** Options of {@link operations}: either `authorize` or `public: true`. */
export type OperationsOptions = AuthorizedOperations | PublicOperations;

/** The operations for some. */
export interface AuthorizedOperations {
  /**
   * Who may look. No default: figures about a shop are not for everybody, so each mount says for whom they are. Where it
   * throws or rejects nobody may: the answer is 500 without a word of the error, which is logged once; where it says nothing
   * for 10 s it is 503. Of a page that stays open it is asked again every 15 s, with the request by which that connected,
   * and the page is let go where the answer is anything but true.
   */
  readonly authorize: (req: Request) => boolean | Promise<boolean>;
  readonly public?: false | undefined;
  /**
   * Whether those who may look may also change settings while the gateway works: the mode, sizes of pools, rate limits (those of
   * each caller and of all routes too), deadlines and concurrency limits of routes. Default `false`.
   */
  readonly allowChanges?: boolean;
}

/** The operations for everybody. */
export interface PublicOperations {
  /** Everybody may look. Never together with `authorize` or `allowChanges`. */
  readonly public: true;
  readonly authorize?: undefined;
  readonly allowChanges?: false;
}

/**
 * Dashboard, configuration and snapshot for operators, where it is mounted and nowhere else: `GET /` and
 * `GET /snapshot.json`. It shows no secret, no parameter of a statement and no caller.
 *
 * @throws TypeError without exactly one of `authorize` and `public: true`, for changes by everybody, for an `allowChanges`
 *   that is neither true nor false, and for unknown options.
 */
export function operations(gateway: Gateway, options: OperationsOptions): RequestHandler {
  // Those without types may have given anything.
  checkGateway('operations', gateway);
  const given: Partial<AnyOptions> = options ?? {};
  checkKnownOptions('operations()', given, ['authorize', 'public', 'allowChanges']);
  checkOptions(given);
  const { authorize, allowChanges } = given;
  const router = express.Router();
  const mayLook = authorize && mayLookBy(authorize, gateway);
  if (mayLook !== undefined) router.use(guardedBy(mayLook));
  router.use(dashboardRouter(gateway, allowChanges === true, mayLook));
  return router;
}

/** Asked for at the mount: later it would be an answer 500 without a word of why. */
function checkGateway(name: string, gateway: unknown): void {
  if (typeof gateway === 'object' && gateway !== null && 'telemetry' in gateway) return;
  const found = gateway === null ? 'null' : gateway instanceof Promise ? 'a promise: await it' : typeof gateway;
  throw new TypeError(`${name}() needs the gateway that createGateway() resolves with, and got ${found}`);
}

interface AnyOptions {
  readonly authorize: AuthorizedOperations['authorize'] | undefined;
  readonly public: boolean | undefined;
  readonly allowChanges: boolean;
}

function checkOptions({ authorize, public: open, allowChanges }: Partial<AnyOptions>): void {
  if (typeof authorize !== 'function' && (authorize !== undefined || open !== true)) {
    throw new TypeError(
      'operations() needs { authorize: (req) => boolean } or { public: true }: say who may see the figures',
    );
  }
  if (authorize !== undefined && open !== undefined && open !== false) {
    throw new TypeError('operations() has both authorize and public: keep one of them');
  }
  if (allowChanges !== undefined && typeof allowChanges !== 'boolean') {
    throw new TypeError(`operations() has allowChanges of ${kindOf(allowChanges)}: set it to true or false`);
  }
  if (open === true && allowChanges === true) {
    throw new TypeError('operations() has public and allowChanges: changes need authorize');
  }
}

/** Prometheus text at the path where it is mounted, by `app.get('/metrics', metrics(gateway))`. */
export function metrics(gateway: Gateway, options: MetricsOptions = {}): RequestHandler {
  checkGateway('metrics', gateway);
  const source = new Metrics(() => gateway.telemetry(), options);
  return (_req, res, next) => {
    source.text().then((text) => {
      res.set({ 'Content-Type': source.contentType, 'Cache-Control': 'no-store' }).send(text);
    }, next);
  };
}
