import { inspect } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { createGateway, type GatewaySurroundings } from 'sluice';
import { afterEach, describe, expect, it } from 'vitest';
import { createRedisClient } from '../../../src/fleet/redis-client.js';
import { redisPlace } from '../../../src/fleet/redis-place.js';
import { LogBook } from '../http/harness.js';

const open: { disconnect(): void }[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.disconnect();
});
const kept = <Client extends { disconnect(): void }>(client: Client): Client => {
  open.push(client);
  return client;
};

describe('what is given as a client of Redis', () => {
  /** What a program without types can give. */
  const withRedis = (redis: unknown): ReturnType<typeof createGateway> => {
    const surroundings = { env: {}, logger: new LogBook(), redis } as GatewaySurroundings;
    return createGateway({ routes: { a: {} } }, surroundings);
  };

  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /^redis is null: give a client of the package "ioredis", .* or leave it out and set redisUrl$/],
    ['a url', 'redis://:hidden@10.0.0.1:6379', /^redis is a string: give a client/],
    ['a class', Redis, /^redis is a function: give a client/],
    ['an empty object', {}, /^redis is an object without eval, evalsha, on, off: give a client/],
    ['a promise of one', Promise.resolve(), /^redis is an object without eval, evalsha, on, off: give/],
    [
      'a client of another package',
      { eval: Boolean, evalSha: Boolean, on: Boolean, off: Boolean },
      /^redis is an object without evalsha \(clients of the package "redis" are others\): give/,
    ],
  ])('is refused with the remedy where it is none: %s', async (_, redis, told) => {
    const refused = await withRedis(redis).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TypeError);
    expect((refused as TypeError).message).toMatch(told);
    expect((refused as TypeError).message).not.toContain('hidden');
  });

  it('is refused whatever the mode, and taken where it is one', async () => {
    const surroundings = { env: { SLUICE_MODE: 'off' }, logger: new LogBook() };
    const wrong = createGateway({ routes: { a: {} } }, { ...surroundings, redis: {} as Redis });
    await expect(wrong).rejects.toThrow(/^redis is an object without/);
    const redis = kept(new Redis({ lazyConnect: true }));
    const gateway = await createGateway({ routes: { a: {} } }, { ...surroundings, redis });
    await gateway.drain({ timeoutMs: 0 });
  });
});

describe('a url of Redis', () => {
  it.each([
    ['without a host', 'redis://app:hidden@/0'],
    ['with signs that stand for nothing', 'redis://:hidden%zz@cache.example'],
    ['with a port that is none', 'redis://:hidden@cache.example:99999'],
  ])('is never shown where its client does not take it: %s', async (_, url) => {
    const refused = await createRedisClient(url, Math.random).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TypeError);
    expect((refused as TypeError).message).toMatch(/^redisUrl is none that the package "ioredis" can read: use redis:/);
    expect(inspect(refused, { depth: 9, showHidden: true })).not.toMatch(/hidden/);
  });

  it('makes a gateway fail with all mistakes of its configuration where it has no host', async () => {
    const env = { REDIS_URL: 'redis://:hidden@/' };
    const refused = await createGateway({ routes: { a: {} } }, { env, logger: new LogBook() }).catch(String);
    expect(refused).toMatch(/^ConfigError: .*\n {2}- REDIS_URL is "redis:\/\/:\*\*\*@\/": use a URL that starts/);
    expect(refused).not.toContain('hidden');
  });
});

describe('where Redis is', () => {
  it.each([
    ['redis://user:secret@10.0.0.1:7000/3', '10.0.0.1:7000'],
    ['rediss://cache.example', 'cache.example:6379'],
    ['redis://:secret@[::1]:7000', '[::1]:7000'],
    // Where a password is not escaped, a part of it passes for the host.
    ['redis://user:12#cret@cache.example:7000', undefined],
    ['redis://user:12/cret@cache.example:7000', undefined],
    ['redis://user:12?cret@cache.example:7000', undefined],
  ])('is told of %s: %s', async (url, place) => {
    expect(redisPlace(kept(await createRedisClient(url, Math.random)), url)).toBe(place);
  });

  it('is told of the clients of an application, where it is one place', () => {
    const client = (options: object): Redis => kept(new Redis({ lazyConnect: true, ...options }));
    expect(redisPlace(client({ host: 'cache.example', port: 7000, password: 'secret' }))).toBe('cache.example:7000');
    expect(redisPlace(client({ path: '/run/redis.sock' }))).toBe('/run/redis.sock');
    expect(redisPlace(client({ sentinels: [{ host: 'one.example', port: 1 }], name: 'main' }))).toBeUndefined();
    expect(redisPlace(kept(new Cluster([{ host: 'one.example' }], { lazyConnect: true })))).toBeUndefined();
  });
});
