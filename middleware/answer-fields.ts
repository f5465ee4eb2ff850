import type { ServerResponse } from 'node:http';
import type { RouteConfig } from '../src/config/config.js';
import type { RequestWork } from '../src/gateway/request-work.js';
import type { RouteRuntime } from '../src/gateway/route-runtime.js';
import type { Gateway } from '../src/gateway.js';
import { RateLimitFields } from './rate-limit-fields.js';

/** Sets the fields of an admitted request's answer. */
export type SetAnswerFields = (res: ServerResponse, work: RequestWork, nowMs: number) => void;

/** What an admitted request's answer tells besides the handler's own headers; `undefined` when that is nothing. */
export function answerFields({ config }: Gateway, route: RouteRuntime): SetAnswerFields | undefined {
  return config.rateLimitHeaders && config.mode === 'enforce' ? rateFields(route) : undefined;
}

function rateFields(route: RouteRuntime): SetAnswerFields | undefined {
  const { rate } = route;
  if (rate === undefined || route.config.ratePerSecond === undefined) return undefined;
  let { config } = route;
  let fields = fieldsOf(config);
  return (res, work, nowMs) => {
    // An operator may have switched to observing meanwhile, and nothing is enforced on this request.
    if (work.shadow !== undefined) return;
    // An operator may have changed the rate meanwhile; the configuration of the route is another object then.
    if (config !== route.config) {
      config = route.config;
      fields = fieldsOf(config);
    }
    res.setHeader('RateLimit-Policy', fields.policy);
    const { callerKey } = work;
    res.setHeader('RateLimit', fields.state(rate.remaining(nowMs, callerKey), rate.resetMs(nowMs, callerKey)));
  };
}

function fieldsOf({ name, ratePerSecond = 0, burst }: RouteConfig): RateLimitFields {
  return new RateLimitFields(name, { refillPerSecond: ratePerSecond, burst });
}
