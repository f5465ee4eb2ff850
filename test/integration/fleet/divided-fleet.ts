import { Redis } from 'ioredis';
import { createGateway, type Gateway } from 'sluice';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { RedisServer } from '../../support/redis-server.js';
import { LogBook } from '../http/harness.js';
import { SessionCount } from './session-count.js';

/** 3 are for superusers, and 8 are 15 % in reserve. */
const MAX_CONNECTIONS = 51;
/** What the server has for the fleet: less than three instances want. */
export const ROOM = 40;
/** Where its book is kept. */
export const BOOK_KEY = 'sluice:sluice-fleet:members';

/** How an instance joins. */
interface Joining {
  readonly log?: LogBook;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: straight to the server. */
  readonly redisUrl?: string;
}

/** Instances with two pools of 10 and 4 each, which are always full, on a server that has room for 40. */
export class DividedFleet {
  readonly redis: RedisServer;
  /** Counted anew for each test. */
  sessions: SessionCount;
  gateways: Gateway[] = [];
  readonly #postgres: PostgresServer;

  private constructor(redis: RedisServer, postgres: PostgresServer, sessions: SessionCount) {
    this.redis = redis;
    this.#postgres = postgres;
    this.sessions = sessions;
  }

  static async start(): Promise<DividedFleet> {
    const redis = await RedisServer.start();
    const postgres = await startPostgres({ settings: { fsync: 'off', max_connections: String(MAX_CONNECTIONS) } });
    return new DividedFleet(redis, postgres, await SessionCount.start(postgres.url, 'sluice-fleet'));
  }

  async join({ log = new LogBook(), env = {}, redisUrl = this.redis.url }: Joining = {}): Promise<Gateway> {
    const { url } = this.#postgres;
    const gateway = await createGateway(
      {
        applicationName: 'sluice-fleet',
        redisUrl,
        readinessDelayMs: 0,
        pools: { main: { url, max: 10, minIdle: 10 }, side: { url, max: 4, minIdle: 4 } },
        routes: {
          work: { pool: 'main', priority: 'critical', deadlineMs: 20_000, ratePerSecond: 100_000, burst: 100_000 },
          other: { pool: 'side', priority: 'critical', deadlineMs: 20_000 },
        },
      },
      { env, logger: log },
    );
    this.gateways.push(gateway);
    return gateway;
  }

  async end(gateway: Gateway): Promise<void> {
    this.gateways = this.gateways.filter((each) => each !== gateway);
    await gateway.drain({ timeoutMs: 5_000 });
  }

  /** Whether the pools of all have these sizes. */
  allHave(...expected: number[]): boolean {
    return this.gateways.every((gateway) => JSON.stringify(sizes(gateway)) === JSON.stringify(expected));
  }

  /** Does something with what Redis knows. */
  async inRedis<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.redis.url);
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  }

  /** Everybody ends, and Redis forgets everything. */
  async reset(): Promise<void> {
    await Promise.all(this.gateways.splice(0).map((gateway) => gateway.drain({ timeoutMs: 0 })));
    await this.sessions.stop();
    await this.inRedis((client) => client.flushall());
    this.sessions = await SessionCount.start(this.#postgres.url, 'sluice-fleet');
  }

  async close(): Promise<void> {
    await this.sessions.stop();
    await this.redis.close();
    await this.#postgres.close();
  }
}

/** The sizes of the pools of an instance. */
export const sizes = (gateway: Gateway): number[] => [...gateway.telemetry().pools()].map((pool) => pool.gauges().max);
