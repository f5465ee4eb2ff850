import type { RedisClient } from './redis-link.js';

/** The `ioredis` package is not installed, or too old. */
export class RedisPackageError extends Error {
  override readonly name = 'RedisPackageError';
}

interface IoRedis {
  readonly Redis: new (url: string, options: Readonly<Record<string, unknown>>) => RedisClient;
}

/** Longest wait between two attempts to connect: longer, and every restart costs the rest of it. */
const RETRY_MS = 250;

/**
 * Makes a client for a URL. Its own queue stays empty and nothing is sent twice: what cannot be sent now fails now, for
 * the local decision does not wait.
 *
 * @param random - Uniform in [0, 1).
 * @throws RedisPackageError when `ioredis` is not there.
 */
export async function createRedisClient(url: string, random: () => number): Promise<RedisClient> {
  const { Redis } = await loadIoRedis();
  return new Redis(url, {
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
    retryStrategy: (attempt: number) => Math.min(RETRY_MS, 50 * attempt) * (0.5 + random() / 2),
    // A primary that was demoted answers so: its address has to be looked up again.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  });
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
