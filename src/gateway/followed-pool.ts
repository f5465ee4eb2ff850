import type { SharingPool } from '../core/budget-share.js';
import type { PoolState } from '../pools/contract.js';
import type { PoolRuntime } from './pool-runtime.js';

/** A pool that is kept to what its pooler has, and gets back what somebody else has set it to. */
export class FollowedPool implements SharingPool {
  readonly name: string;
  /** Of the configuration. */
  readonly max: number;
  readonly admin: boolean;
  readonly #pool: PoolRuntime['pool'];
  #ceiling: number;
  /** What it was set to last, from here. */
  #set: number | undefined;
  /** What an operator or the fleet has set it to, or the configuration. */
  #wish: number;

  constructor({ name, config: { max, admin }, pool }: Pick<PoolRuntime, 'name' | 'config' | 'pool'>) {
    this.name = name;
    this.max = max;
    this.admin = admin;
    this.#pool = pool;
    this.#ceiling = max;
    this.#wish = pool.max;
  }

  get state(): PoolState {
    return this.#pool.state;
  }

  /** What its pooler leaves it. */
  get ceiling(): number {
    return this.#ceiling;
  }

  /** Resizes the pool where it has to be. Returns whether the ceiling is another one than before. */
  keepTo(ceiling: number): boolean {
    if (this.#pool.max !== this.#set) this.#wish = this.#pool.max;
    this.#set = Math.min(ceiling, this.#wish);
    this.#pool.resize(this.#set);
    const changed = ceiling !== this.#ceiling;
    this.#ceiling = ceiling;
    return changed;
  }
}
