import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Bucket } from '../core/bucket.js';
import { PrepaidBucket } from '../core/prepaid-bucket.js';
import type { BucketLimit } from '../core/prepaid-options.js';
import { bucketName } from './bucket-name.js';
import { FleetNotices, type Warn } from './fleet-notices.js';
import { Heartbeat } from './heartbeat.js';
import { Lane } from './lane.js';
import { createRedisClient } from './redis-client.js';
import { type RedisClient, RedisLink } from './redis-link.js';
import { redisPlace } from './redis-place.js';
import { RedisRegistry, type Registry } from './registry.js';
import type { BucketEntry } from './token-ledger.js';
import { TokenSync } from './token-sync.js';

/** What a {@link Fleet} is opened with. */
export interface FleetOptions {
  /** Instances of one name share their limits. */
  readonly name: string;
  /** Instances of this name share the connections of their servers. Default: `name`. */
  readonly bookName?: string;
  /** Where instances find each other, in place of Redis. */
  readonly registry?: Registry | undefined;
  /** Where Redis is. A secret. */
  readonly url: string;
  /** A client of the application, used in place of one for `url`, and left open. */
  readonly client?: RedisClient | undefined;
  /** About how often Redis hears of the tokens that were spent, in ms. */
  readonly syncMs: number;
  /** Instances that share the limits as long as nothing else is known. */
  readonly instances: number;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Something to log, with a stable code; names no secret. */
  readonly warn: Warn;
}

/** How an instance stands with its fleet. */
export interface FleetStatus {
  /** Whether limits hold on this instance's share alone, because Redis does not answer. */
  readonly degraded: boolean;
  /** Why, in Redis' or the network's words; empty while all is well. */
  readonly trouble: string;
  /** Instances among which limits are shared. */
  readonly instances: number;
  /** Reports of spent tokens that were sent to Redis. */
  readonly reports: number;
}

/**
 * What one instance shares with the others of its fleet, over one Redis. Nothing here waits for Redis on the path of a
 * request: what is shared is fetched beforehand, and without Redis each instance goes on with the share that it knows.
 */
export class Fleet {
  /** Finds out how many live, once it is started. */
  readonly heartbeat: Heartbeat;
  readonly #options: FleetOptions;
  readonly #link: RedisLink;
  /** Where Redis is, for people. */
  readonly #place: string;
  readonly #tokens: TokenSync;
  readonly #lanes: Lane[] = [];
  readonly #notices: FleetNotices;
  readonly #id: string = randomUUID();
  /** As many were made so far. */
  #buckets = 0;
  /** Those of which the ledger was not asked yet; none once the instance serves. */
  #unasked: Map<PrepaidBucket, BucketEntry> | undefined = new Map();
  #degraded = false;

  private constructor(options: FleetOptions, client: RedisClient) {
    this.#options = options;
    this.#notices = new FleetNotices(options.warn);
    const { clock, random, syncMs, name } = options;
    const owned = options.client === undefined;
    const place = redisPlace(client, options.url);
    this.#place = place === undefined ? 'Redis' : `Redis at ${place}`;
    const key = `sluice:${options.bookName ?? name}:members`;
    this.#link = new RedisLink({
      client,
      owned,
      clock,
      probeKey: `sluice:${name}:probe`,
      onChange: (up, why) => this.#linkChanged(up, why),
      onExplained: (why) => this.#explained(why),
    });
    const onReplaced = (replaced: string): void => this.#notices.replaced(replaced);
    const { registry = new RedisRegistry(this.#link, key, this.#id, onReplaced), instances } = options;
    this.heartbeat = new Heartbeat({ registry, clock, random, id: this.#id, instances });
    this.#tokens = new TokenSync({
      link: this.#link,
      clock,
      random,
      prefix: `sluice:${name}:tokens:`,
      syncMs,
      onStricter: (bucket, refillPerSecond, burst) => this.#notices.stricterRate(bucket, refillPerSecond, burst),
      onReplaced,
    });
  }

  /**
   * Opens the way to Redis, and waits for its first answer for a fifth of a second at most: an instance starts without.
   *
   * @throws RedisPackageError when `ioredis` is not installed.
   */
  static async open(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(
      options,
      options.client ?? (await createRedisClient(options.url, options.random, options.clock)),
    );
    await fleet.#link.open();
    if (!fleet.#link.up) fleet.#linkChanged(false, fleet.#link.trouble);
    return fleet;
  }

  get status(): FleetStatus {
    const { up, trouble } = this.#link;
    const instances = this.#instances();
    return { degraded: !up, trouble: up ? '' : trouble, instances, reports: this.#tokens.reports };
  }

  /**
   * This instance's part of a bucket that the fleet shares.
   *
   * @param key - Names the bucket in the fleet; of any length and bytes.
   * @param limit - Of all instances together, as it holds at each moment.
   * @param awayFactor - Part of its share of the rate that it has while Redis is away.
   */
  bucket(key: string, limit: BucketLimit, awayFactor: number): Bucket {
    this.#buckets += 1;
    const entry = { key: bucketName(key), id: `${this.#id}:${this.#buckets}` };
    const bucket = new PrepaidBucket({
      limit,
      awayFactor,
      sharers: this.#instances,
      onNews: (self, urgent) => this.#tokens.news(entry, self, urgent),
    });
    this.#unasked?.set(bucket, entry);
    return bucket;
  }

  /**
   * Asks what is left in the buckets that were made so far, as far as Redis answers, for at most a fifth of a second:
   * one that starts must not take for full what others have emptied. Those that are made later are asked for with their
   * first request. Never rejects.
   */
  async learnBuckets(): Promise<void> {
    const buckets = this.#unasked;
    this.#unasked = undefined;
    if (buckets !== undefined) await this.#tokens.learn(buckets);
  }

  /**
   * This instance's way into a lane: a bound on concurrent work that the fleet shares.
   *
   * @param key - Names the lane in the fleet.
   * @param max - Places in the whole fleet, a whole number from 1.
   * @param holdMs - No place is held longer than this.
   */
  lane(key: string, max: number, holdMs: number): Lane {
    const { name, clock, random, syncMs } = this.#options;
    const lane = new Lane({
      max,
      holdMs,
      instances: this.#instances,
      link: this.#link,
      clock,
      random,
      id: this.#id,
      key: `sluice:${name}:lanes:{${key}}`,
      syncMs,
      onClosed: (places, instances) => this.#notices.laneClosed(key, places, instances),
      onStricter: (least) => this.#notices.stricterLane(key, least),
      onReplaced: (replaced) => this.#notices.replaced(replaced),
    });
    this.#lanes.push(lane);
    return lane;
  }

  /** Gives back what is prepaid and lets go of Redis. Never rejects. */
  async close(): Promise<void> {
    await this.heartbeat.stop();
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
    await this.#tokens.stop();
    this.#link.close();
  }

  readonly #instances = (): number => this.heartbeat.live;

  #linkChanged(up: boolean, why: string): void {
    this.#tokens.linkChanged(up);
    if (up) this.heartbeat.hurry();
    for (const lane of this.#lanes) lane.linkChanged(up);
    // That it answers is news only after it did not.
    if (up !== this.#degraded) return;
    this.#degraded = !up;
    if (up) this.#notices.restored();
    else this.#notices.degraded(this.#place, why);
  }

  /** What was told as it did not answer was told without it. */
  #explained(why: string): void {
    if (this.#degraded) this.#notices.explained(this.#place, why);
  }
}
