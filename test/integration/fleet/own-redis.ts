import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { RedisServer } from '../../support/redis-server.js';

/** A Redis for the tests of one file, and a client. */
export interface OwnRedis {
  readonly server: RedisServer;
  readonly redis: Redis;
}

/** Starts them before the tests of the file and ends them after. To be called outside of all tests. */
export function ownRedis(): OwnRedis {
  let server: RedisServer;
  let redis: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });
  return {
    get server() {
      return server;
    },
    get redis() {
      return redis;
    },
  };
}
