import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import express5, { type Express } from 'express';
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type GatewaySurroundings,
  type Logger,
  type PoolOptions,
  type RouteOptions,
} from 'sluice';
import { problemHandler } from 'sluice/express';
import supertest from 'supertest';
import { expect } from 'vitest';
import { PRIORITY_RANKS } from '../../../src/core/priority.js';
import type { RouteStats } from '../../../src/telemetry/route-stats.js';
import { ask, until } from '../pools/pool-fixture.js';

type Framework = typeof express5;

const express4 = createRequire(import.meta.url)('express4') as Framework;

/** Both versions of Express that the guard supports, as rows of a parametrised suite. */
export const FRAMEWORKS: readonly (readonly [name: string, express: Framework])[] = [
  ['Express 4', express4],
  ['Express 5', express5],
];

/** What a gateway logged. */
export class LogBook implements Logger {
  readonly entries: { readonly level: string; readonly code: unknown; readonly message: string }[] = [];
  readonly debug: Logger['debug'] = () => undefined;
  readonly info: Logger['info'] = () => undefined;
  readonly warn: Logger['warn'] = (about, message) => this.#write('warn', about.code, message);
  readonly error: Logger['error'] = (about, message) => this.#write('error', about.code, message);

  /** Messages of one code. */
  of(code: string): string[] {
    return this.entries.filter((entry) => entry.code === code).map((entry) => entry.message);
  }

  #write(level: string, code: unknown, message: string): void {
    this.entries.push({ level, code, message });
  }
}

/** A gateway behind a real HTTP server. */
export interface Bench {
  readonly gateway: Gateway;
  readonly server: Server;
  readonly port: number;
  readonly log: LogBook;
  readonly request: ReturnType<typeof supertest>;
  /** Errors that reached the last error handler and were answered with 500. */
  readonly unexpected: unknown[];
  stats(route: string): RouteStats;
  /** Statements of this gateway that the server runs at this instant. */
  running(): Promise<string[]>;
  /** Waits until nothing of any request is left anywhere, and checks that the counters agree. */
  atRest(): Promise<void>;
  close(): Promise<void>;
}

/** How to {@link serve}. */
export interface ServeOptions {
  /** PostgreSQL server of all pools; leave it out for routes without one. */
  readonly url?: string;
  readonly pools?: Readonly<Record<string, Omit<PoolOptions, 'url'>>>;
  readonly routes: Readonly<Record<string, RouteOptions>>;
  readonly gateway?: Omit<GatewayOptions, 'pools' | 'routes'>;
  readonly surroundings?: GatewaySurroundings;
  readonly express?: Framework;
}

let made = 0;

/** Builds a gateway and an application on it, and listens on loopback. `problemHandler` stands after the routes. */
export async function serve(
  options: ServeOptions,
  build: (app: Express, gateway: Gateway, express: Framework) => void,
): Promise<Bench> {
  const { url, express = express5 } = options;
  const log = new LogBook();
  made += 1;
  const applicationName = `http-${process.pid}-${made}`;
  const pools = Object.entries(options.pools ?? {}).map(([name, pool]) => [name, { ...pool, url }] as const);
  const gateway: Gateway = await createGateway(
    {
      applicationName,
      readinessDelayMs: 0,
      // A busy machine must not shed what a test wants to see admitted.
      maxEventLoopLagMs: 0,
      ...options.gateway,
      pools: Object.fromEntries(pools),
      routes: options.routes,
    },
    { env: {}, logger: log, ...options.surroundings },
  );
  const unexpected: unknown[] = [];
  const app = express();
  build(app, gateway, express);
  app.use(problemHandler({ catchAll: true, onError: (error) => unexpected.push(error) }));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const running = async (state = 'active'): Promise<string[]> => {
    if (url === undefined) return [];
    const found = await ask<{ query: string }>(
      url,
      'SELECT query FROM pg_stat_activity WHERE application_name = $1 AND state LIKE $2',
      [applicationName, state],
    );
    return found.map(({ query }) => query);
  };
  const stats = (route: string): RouteStats => gateway.entry(route).runtime.stats;
  return {
    gateway,
    server,
    port: address.port,
    log,
    request: supertest(server),
    unexpected,
    stats,
    running,
    atRest: async () => {
      await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
      for (const route of gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
      await until(async () => (await running('%in transaction%')).length + (await running()).length === 0);
    },
    close: async () => {
      await gateway.drain({ server, timeoutMs: 0 });
    },
  };
}

/** Everything that is not at rest, in words. */
export function busyParts(gateway: Gateway): string[] {
  const busy: string[] = [];
  const note = (what: string, count: number): unknown => count !== 0 && busy.push(`${what}: ${count}`);
  for (const { name, seats, gauges } of gateway.telemetry().pools()) {
    const { inUse, acquiring, cleaning } = gauges();
    note(`seats of ${name}`, seats.inFlight);
    note(
      `queue of ${name}`,
      seats.queuedByClass.reduce((sum, count) => sum + count, 0),
    );
    note(`lent connections of ${name}`, inUse);
    note(`borrowers of ${name}`, acquiring);
    note(`connections of ${name} on their way back`, cleaning);
  }
  for (const { name, stats } of gateway.telemetry().routes()) {
    note(`in flight on ${name}`, stats.inFlight);
    note(`undecided on ${name}`, stats.undecided);
    const bulkhead = gateway.entry(name).runtime.gate?.bulkhead;
    note(`seats before ${name}`, bulkhead?.inFlight ?? 0);
    for (const rank of PRIORITY_RANKS) note(`queued before ${name}`, bulkhead?.queuedOf(rank) ?? 0);
    note(`queued of ${name}`, gateway.entry(name).runtime.queued);
  }
  return busy;
}

/** Each request arrived once and ended once. */
export function expectBalanced(stats: RouteStats, name: string): void {
  const { arrived, admitted, shed, abandonedBeforeAdmission, ended } = stats;
  expect({ route: name, arrived, admitted }).toEqual({
    route: name,
    arrived: admitted + shed + abandonedBeforeAdmission,
    admitted: ended,
  });
  expect(stats.response.count, `responses of ${name} to admitted requests`).toBeLessThanOrEqual(admitted);
}

/** A promise with its ends outside: the way to hold a handler until the test lets it go. */
export interface Latch<T = void> {
  readonly promise: Promise<T>;
  open(value: T): void;
}

export function latch<T = void>(): Latch<T> {
  let open: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
