import { type Clock, systemClock } from '../clock.js';
import { kindOf, missingFunctions } from '../core/given-value.js';
import { Reconnects } from './reconnects.js';
import type { RedisClient } from './redis-link.js';

/** The `ioredis` package is not installed, or too old. */
export class RedisPackageError extends Error {
  override readonly name = 'RedisPackageError';
}

/** What of a client is called. */
const METHODS = ['eval', 'evalsha', 'on', 'off'] as const satisfies readonly (keyof RedisClient)[];

/**
 * Refuses what is no client of `ioredis`, for those without types.
 *
 * @throws TypeError that says what it is instead; it repeats nothing of it, for a url holds a password.
 */
export function checkRedisClient(given: unknown): void {
  const remedy =
    'give a client of the package "ioredis", new Redis(url) or new Cluster(nodes), or leave it out and set redisUrl';
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`redis is ${kindOf(given)}: ${remedy}`);
  }
  const missing = missingFunctions(given, METHODS);
  if (missing.length === 0) return;
  const others = missingFunctions(given, ['evalSha']).length === 0;
  const which = others ? ' (clients of the package "redis" are others)' : '';
  throw new TypeError(`redis is an object without ${missing.join(', ')}${which}: ${remedy}`);
}

interface IoRedis {
  readonly Redis: new (
    url: string,
    options: Readonly<Record<string, unknown>>,
  ) => RedisClient & { readonly options: ClientOptions };
}

interface ClientOptions {
  tls?: unknown;
  username?: string | null | undefined;
  readonly password?: string | null | undefined;
}

type IoRedisClient = InstanceType<IoRedis['Redis']>;

const DEFAULT_USER = 'default';
/** A server that is there, and serves nobody here. */
const REFUSALS = /^(?:READONLY|NOAUTH|WRONGPASS|ERR AUTH|ERR invalid password)/;
/**
 * Makes a client for a URL. Its own queue stays empty and nothing is sent twice: what cannot be sent now fails now, for
 * the local decision does not wait.
 *
 * @param random - Uniform in [0, 1).
 * @throws RedisPackageError when `ioredis` is not there.
 * @throws TypeError when it does not take the URL; it repeats nothing of it.
 */
export async function createRedisClient(
  url: string,
  random: () => number,
  clock: Pick<Clock, 'nowMs'> = systemClock,
): Promise<RedisClient> {
  const reconnects = new Reconnects(random, () => clock.nowMs());
  const client = makeClient(await loadIoRedis(), url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    // A connection that is given up may be dead: its end is not waited for.
    disconnectTimeout: 100,
    keepAlive: 1_000,
    // Integers of version 3 of the protocol near 2^53 are read wrong by 6.0; version 2 is read alike by 5 and 6.
    protocol: 2,
    // It says past every logger that INFO is forbidden. Whether the server serves is found out by a write of ours.
    enableReadyCheck: false,
    retryStrategy: (attempt: number) => reconnects.waitMs(attempt),
    reconnectOnError: ({ message }: Error) => {
      if (REFUSALS.test(message)) reconnects.refused();
      // A primary that was demoted is read-only: its address has to be looked up again.
      return message.startsWith('READONLY') || (message.startsWith('NOAUTH') && forgetUser(client.options));
    },
  });
  client.on('error', (error) => {
    if (error instanceof Error && REFUSALS.test(error.message)) reconnects.refused();
  });
  // `rediss:` leaves it to NODE_TLS_REJECT_UNAUTHORIZED, and what is in the url wins over what is said beside it.
  if (client.options.tls) client.options.tls = { rejectUnauthorized: true };
  // The same login. Without the name the client says past every logger that a password is not needed, where it is not.
  if (client.options.password) client.options.username ||= DEFAULT_USER;
  return client;
}

/** A Redis before 6 knows no users, and took no login. Whether there was one to forget. */
function forgetUser(options: ClientOptions): boolean {
  if (options.username !== DEFAULT_USER) return false;
  options.username = '';
  return true;
}

function makeClient({ Redis }: IoRedis, url: string, options: Readonly<Record<string, unknown>>): IoRedisClient {
  try {
    return new Redis(url, options);
  } catch {
    // Not even as the cause: an error about a URL has the whole of it, with the password.
    throw new TypeError(
      'redisUrl is none that the package "ioredis" can read: use redis://user:password@host:port/database, special ' +
        'characters of the password percent-encoded (the URL is not shown)',
    );
  }
}

async function loadIoRedis(): Promise<IoRedis> {
  try {
    return (await import('ioredis')) as unknown as IoRedis;
  } catch (error) {
    throw new RedisPackageError(
      'a Redis URL is set, but the package "ioredis" is not installed: "npm install ioredis", version 5.10 or newer',
      { cause: error },
    );
  }
}
