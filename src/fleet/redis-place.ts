import type { RedisClient } from './redis-link.js';

/** Unescaped signs of a password end the host of a url early: what passes for its host is a part of the password then. */
const BROKEN_LOGIN = /\/\/[^/?#]*[/?#].*@/;

/**
 * Where a client of `ioredis` connects to: `host:port`, or the path of a socket. `undefined` where that is not one place
 * (a cluster, sentinels), or cannot be told apart from a secret.
 *
 * @param url - What the client was made of, if a url.
 */
export function redisPlace(client: RedisClient, url = ''): string | undefined {
  const { options }: { readonly options?: unknown } = client as RedisClient & { readonly options?: unknown };
  if (typeof options !== 'object' || options === null || BROKEN_LOGIN.test(url)) return undefined;
  const { host, port, path, sentinels } = options as Readonly<Record<string, unknown>>;
  if (Array.isArray(sentinels) && sentinels.length > 0) return undefined;
  if (typeof path === 'string' && path !== '') return path;
  if (typeof host !== 'string' || host === '') return undefined;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
