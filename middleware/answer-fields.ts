import type { ServerResponse } from 'node:http';
import type { RouteConfig } from '../src/config/config.js';
import type { RequestWork } from '../src/gateway/request-work.js';
import type { RouteRuntime } from '../src/gateway/route-runtime.js';
import type { Gateway } from '../src/gateway.js';
import { RateLimitFields } from './rate-limit-fields.js';

/** Sets the fields of an answer. */
export type SetAnswerFields = (res: ServerResponse, work: RequestWork, nowMs: number) => void;

/** What answers tell of the rate limits of a route; `undefined` when that is nothing. */
export function answerFields({ config }: Gateway, route: RouteRuntime): SetAnswerFields | undefined {
  return config.rateLimitHeaders && config.mode === 'enforce' ? rateFields(route) : undefined;
}

function rateFields(route: RouteRuntime): SetAnswerFields | undefined {
  const { rate } = route;
  if (rate === undefined) return undefined;
  let { config } = route;
  let { endpoint, caller } = bucketsOf(config);
  if (endpoint === undefined && caller === undefined) return undefined;
  return (res, work, nowMs) => {
    // An operator may have switched to observing meanwhile, and nothing is enforced on this request.
    if (work.shadow !== undefined) return;
    // An operator may have changed the rate meanwhile; the configuration of the route is another object then.
    if (config !== route.config) {
      config = route.config;
      ({ endpoint, caller } = bucketsOf(config));
    }
    const own = endpoint && rate.endpointLevel(nowMs);
    const theirs = caller && rate.callerLevel(nowMs, work.callerKey);
    const policies: string[] = [];
    const states: string[] = [];
    if (endpoint !== undefined && own !== undefined) {
      policies.push(endpoint.policy);
      states.push(endpoint.state(own.remaining, own.untilMoreMs));
    }
    if (caller !== undefined && theirs !== undefined) {
      policies.push(caller.policy);
      states.push(caller.state(theirs.remaining, theirs.untilMoreMs));
    }
    if (policies.length === 0) return;
    res.setHeader('RateLimit-Policy', policies.join(', '));
    res.setHeader('RateLimit', states.join(', '));
  };
}

interface RouteBuckets {
  readonly endpoint: RateLimitFields | undefined;
  readonly caller: RateLimitFields | undefined;
}

function bucketsOf({ name, ratePerSecond, burst, perCaller }: RouteConfig): RouteBuckets {
  const fieldsOf = (policy: string, refillPerSecond: number, most: number): RateLimitFields =>
    new RateLimitFields(policy, { refillPerSecond, burst: most });
  return {
    endpoint: ratePerSecond === undefined ? undefined : fieldsOf(name, ratePerSecond, burst),
    caller: perCaller && fieldsOf(`${name}.perCaller`, perCaller.ratePerSecond, perCaller.burst),
  };
}
