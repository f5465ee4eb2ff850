import type { Clock } from '../clock.js';
import type { GatewayConfig, PoolConfig } from '../config/config.js';
import { divideShare } from '../core/budget-share.js';
import type { MemberReply, MemberReport } from '../core/fleet-book.js';
import type { ServerNeed, ServerShare } from '../core/fleet-share.js';
import type { Heartbeat, HeartbeatSource } from '../fleet/heartbeat.js';
import type { FleetAgreement } from './fleet-agreement.js';
import { DeadSessions } from './fleet-budget-ghosts.js';
import { whyTooFew } from './fleet-budget-reason.js';
import { FleetServers } from './fleet-servers.js';
import type { PoolRuntime } from './pool-runtime.js';
import { serverOf } from './server-names.js';

/** What a {@link FleetBudget} works with. */
export interface FleetBudgetOptions {
  readonly config: GatewayConfig;
  readonly heartbeat: Heartbeat;
  readonly agreement: FleetAgreement;
  readonly clock: Clock;
}

/**
 * The connections of a fleet: what the pools of this instance may open is its part of what each server has, by the
 * number of instances that live. Pools shrink when instances come, as their sessions return, and grow back when they
 * go. Without an answer from where the fleet meets, what was told last holds; before the first, as many instances are
 * assumed as are configured.
 */
export class FleetBudget implements HeartbeatSource {
  readonly #options: FleetBudgetOptions;
  readonly #found = new FleetServers();
  readonly #ceilings = new Map<string, number>();
  readonly #shares = new Map<string, ServerShare>();
  readonly #dead = new Map<string, DeadSessions>();
  #pools: ReadonlyMap<string, PoolRuntime> = new Map();

  constructor(options: FleetBudgetOptions) {
    this.#options = options;
  }

  /** Enters the fleet, before anything is connected. Never rejects. */
  async join(): Promise<void> {
    const { heartbeat, config } = this.#options;
    if ((await heartbeat.start(this)) || config.instances === 1) return;
    // How many more there may be is not known before the server has told what it has.
    for (const { name } of this.#servers().flatMap(([, pools]) => pools)) this.#ceilings.set(name, 1);
  }

  /** What a pool may open at the start; `undefined` where nothing is known yet. */
  startMax(pool: string): number | undefined {
    return this.#ceilings.get(pool);
  }

  /** From now on the pools are kept to what they may have. */
  follow(pools: ReadonlyMap<string, PoolRuntime>): void {
    this.#pools = pools;
  }

  /**
   * What a server has for the fleet was found out.
   *
   * @param room - `undefined` where that cannot be known: then its pools are not bounded.
   * @param server - The one of its addresses that names it. Default: that of the pool.
   * @param identity - What it said of itself, the same whatever its address.
   */
  found(pool: PoolConfig, room: number | undefined, server: string = serverOf(pool.url), identity?: string): void {
    this.#found.found(pool, room, server, identity);
    if (room !== undefined && !this.#options.heartbeat.known) this.#assume(server, room);
    if (this.#found.isUnbounded(server) || this.#pools.get(pool.name)?.pool.shared) this.#lift(pool.name);
    this.#options.heartbeat.hurry();
  }

  /** Ends the heartbeats: what this instance had is free. Not before its connections are closed. Never rejects. */
  async leave(): Promise<void> {
    await this.#options.heartbeat.stop();
  }

  /** Another heartbeat, and what came of it. Never rejects. */
  async settle(): Promise<void> {
    await this.#options.heartbeat.beat();
  }

  /** Why this instance cannot serve yet, with the sum; `undefined` while each pool has a connection at least. */
  get reason(): string | undefined {
    for (const [server, pools] of this.#servers()) {
      const share = this.#shares.get(server);
      if (share?.room === undefined || share.granted >= pools.length) continue;
      const most = pools.map((pool) => ({ name: pool.name, most: this.#most(pool) }));
      return whyTooFew(most, share, share.room, this.#options.heartbeat.live);
    }
    return undefined;
  }

  report(): Pick<MemberReport, 'fields' | 'needs'> {
    const needs = this.#servers().map(([server, pools]) => this.#need(server, pools));
    return { fields: this.#options.agreement.text, needs };
  }

  hear({ shares, otherFields }: MemberReply): boolean {
    this.#options.agreement.hear(otherFields);
    const pools = new Map(this.#servers());
    for (const share of shares) this.#apply(share, pools.get(share.server) ?? []);
    return shares.some(({ server, granted, target }) => {
      return granted < target || this.#heldBy(pools.get(server) ?? []) > granted;
    });
  }

  /** The pools of each server that count: what a pooler or a server that does not tell gives is not divided. */
  #servers(): [string, PoolConfig[]][] {
    const pools = [...this.#options.config.pools.values()];
    return this.#found.divided(
      pools.filter(({ name, pooler }) => pooler !== 'pgbouncer' && this.#pools.get(name)?.pool.shared !== true),
    );
  }

  #need(server: string, pools: readonly PoolConfig[]): ServerNeed {
    const room = this.#found.roomOf(server);
    return {
      server,
      aliases: this.#found.aliasesOf(server, pools),
      wish: pools.reduce((sum, pool) => sum + this.#most(pool), 0),
      least: pools.length,
      held: this.#heldBy(pools),
      open: pools.reduce((sum, { name }) => sum + (this.#pools.get(name)?.pool.gauges().total ?? 0), 0),
      ...this.#dead.get(server)?.said,
      ...(room === undefined ? {} : { room }),
    };
  }

  #heldBy(pools: readonly PoolConfig[]): number {
    return pools.reduce((sum, { name, max }) => {
      const pool = this.#pools.get(name)?.pool;
      if (pool === undefined) return sum + (this.#ceilings.get(name) ?? 0);
      const { total, connecting } = pool.gauges();
      return sum + Math.max(this.#ceilings.get(name) ?? max, total + connecting);
    }, 0);
  }

  /** What a pool may have at most: of configurations that disagree the stricter one holds. */
  #most({ name, max }: PoolConfig): number {
    return this.#options.agreement.mostConnections(name, max);
  }

  #apply(share: ServerShare, pools: readonly PoolConfig[]): void {
    this.#shares.set(share.server, share);
    const sharing = pools.map((pool) => ({ name: pool.name, max: this.#most(pool), admin: pool.admin }));
    for (const [name, ceiling] of divideShare(sharing, share.granted)) this.#resize(name, ceiling);
    void this.#look(share, pools);
  }

  /** Nobody has told yet who else is there: its part, if there are as many as are configured. */
  #assume(server: string, room: number): void {
    const pools = this.#servers().find(([name]) => name === server)?.[1] ?? [];
    const sharing = pools.map((pool) => ({ name: pool.name, max: this.#most(pool), admin: pool.admin }));
    const part = Math.max(pools.length, Math.floor(room / this.#options.config.instances));
    for (const [name, ceiling] of divideShare(sharing, part)) this.#resize(name, ceiling);
  }

  #lift(name: string): void {
    const max = this.#options.config.pools.get(name)?.max;
    if (max !== undefined) this.#resize(name, max);
  }

  #resize(name: string, ceiling: number): void {
    const before = this.#ceilings.get(name);
    this.#ceilings.set(name, ceiling);
    const pool = this.#pools.get(name)?.pool;
    // An operator may have made it smaller than it might be.
    if (pool !== undefined && (ceiling !== before || pool.max > ceiling)) pool.resize(ceiling);
  }

  async #look(share: ServerShare, pools: readonly PoolConfig[]): Promise<void> {
    const runtimes = pools.flatMap(({ name }) => this.#pools.get(name) ?? []);
    const dead = this.#dead.get(share.server) ?? new DeadSessions(this.#options.clock);
    this.#dead.set(share.server, dead);
    if (await dead.look(runtimes, share)) this.#options.heartbeat.hurry();
  }
}
