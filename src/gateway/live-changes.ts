import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { checkPool, checkRoute } from '../config/checks.js';
import type { GatewayConfig, PoolConfig, RouteConfig } from '../config/config.js';
import { checkTogether } from '../config/contradictions.js';
import { ConfigError } from '../config/problem.js';
import { Reading } from '../config/reading.js';
import type { TotalRate } from '../rate-limit/total-rate.js';
import type { Logger } from '../telemetry/log.js';
import { quietly } from '../telemetry/quietly.js';
import { type LiveField, type LiveValue, liveFields } from './live-fields.js';
import type { ModeSwitch } from './mode-switch.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { RouteRuntime } from './route-runtime.js';

/** One change of a setting while the gateway works. */
export interface LiveChange {
  /** Counts from 1; 0 for one that changed nothing. */
  readonly id: number;
  /** When it was made, in monotonic ms. */
  readonly atMs: number;
  /** For example `routes.checkout.deadlineMs`. */
  readonly path: string;
  readonly from: LiveValue;
  readonly to: LiveValue;
  readonly undone: boolean;
  /** Whether {@link LiveChanges.undo} takes it: the last of its setting that still holds. */
  readonly undo: boolean;
}

/** What can be changed, and what it is now. */
export interface LiveSetting {
  readonly path: string;
  readonly value: LiveValue;
  /** The values that are allowed, in words that follow "use". */
  readonly allowed: string;
  /** Whether it differs from what was read at the start. */
  readonly changed: boolean;
}

/** What the changes work on. */
export interface LiveParts {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pools: ReadonlyMap<string, PoolRuntime>;
  readonly routes: readonly RouteRuntime[];
  /** Absent where all routes together have no rate limit. */
  readonly total: TotalRate | undefined;
  readonly modes: ModeSwitch;
}

/** Changes that are remembered; beyond them only the one of each setting that can be undone. */
const MOST_REMEMBERED = 100;

type Remembered = Omit<LiveChange, 'undo' | 'undone'> & { undone: boolean };

/**
 * Changes settings of a gateway at work: the mode between enforce and observe, sizes of pools, rate limits, those of each caller and of all routes together,
 * deadlines and concurrency limits of routes.
 * Each is checked like the configuration, logged, and can be undone. What is in flight goes on by what held when it
 * arrived. Nothing is kept over a restart.
 */
export class LiveChanges {
  /** The mark of this gateway in this process: an `id` of a change means something beside it only. */
  readonly run: string = randomUUID();
  readonly #parts: LiveParts;
  readonly #fields: ReadonlyMap<string, LiveField>;
  readonly #initial: ReadonlyMap<string, LiveValue>;
  readonly #made: Remembered[] = [];
  readonly #listeners = new Set<() => void>();
  #lastId = 0;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#fields = new Map(liveFields(parts).map((field) => [field.path, field]));
    this.#initial = new Map(Array.from(this.#fields, ([path, field]) => [path, field.read()]));
  }

  /** Calls `listener` after each change, and after each that was undone, whoever made it. */
  listen(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Why nothing can be changed in this process; `undefined` where something can. */
  get closed(): string | undefined {
    if (this.#parts.config.decisionLogRecords === 0) return undefined;
    return 'a replay decides by the settings of the start; set decisionLogRecords to 0 to change any live';
  }

  /** Everything that can be changed. */
  settings(): LiveSetting[] {
    if (this.closed !== undefined) return [];
    return Array.from(this.#fields.values(), ({ path, read, allowed }) => {
      const value = read();
      return { path, value, allowed, changed: value !== this.#initial.get(path) };
    });
  }

  /** The last hundred changes, newest first, and of what was changed before those the last that still holds. */
  history(): LiveChange[] {
    const seen = new Set<string>();
    return this.#made.toReversed().map((change) => {
      const undo = !change.undone && !seen.has(change.path);
      if (!change.undone) seen.add(change.path);
      return { ...change, undo };
    });
  }

  /**
   * Changes one setting from now on. One that has this value already is left alone, without a word in the log or the
   * history: the change that is given back then has the id 0.
   *
   * @param value - A number, a mode, or a text as a variable takes it.
   * @throws {@link ConfigError} for a setting that cannot be changed, and for a value that the configuration would not
   *   have taken: nothing has changed then.
   */
  set(path: string, value: unknown): LiveChange {
    const field = this.#field(path);
    const to = field.parse(value);
    this.#check(field, to);
    const from = field.read();
    const atMs = this.#parts.clock.nowMs();
    if (to === from) return { id: 0, atMs, path, from, to, undone: false, undo: false };
    field.write(atMs, to);
    this.#lastId += 1;
    const change: Remembered = { id: this.#lastId, atMs, path, from, to, undone: false };
    this.#made.push(change);
    this.#forget();
    this.#tell(change, `change ${change.id}: ${path} was changed from ${from} to ${to} while running`);
    return { ...change, undo: true };
  }

  /**
   * Takes the last change of a setting back.
   *
   * @throws RangeError when there is no such change, or another one of the same setting came after it. ConfigError when
   *   the value of before would contradict what else was changed since.
   */
  undo(id: number): LiveChange {
    const change = this.#made.find((made) => made.id === id);
    const known = this.history().find((made) => made.id === id);
    if (change === undefined || known?.undo !== true) {
      const forgotten = known === undefined && id >= 1 && id <= this.#lastId ? ' and is no longer remembered' : '';
      throw new RangeError(
        `change ${id} cannot be undone${forgotten}: only the last change of a setting can that still holds`,
      );
    }
    const field = this.#field(change.path);
    this.#check(field, change.from);
    field.write(this.#parts.clock.nowMs(), change.from);
    change.undone = true;
    this.#tell(change, `change ${id} was undone: ${change.path} is ${change.from} again`);
    return { ...change, undo: false };
  }

  /** Beyond the bound the oldest goes that nobody can undo: there are no more others than settings. */
  #forget(): void {
    if (this.#made.length <= MOST_REMEMBERED) return;
    const kept = new Set(this.history().flatMap(({ id, undo }) => (undo ? [id] : [])));
    const oldest = this.#made.findIndex(({ id }) => !kept.has(id));
    if (oldest >= 0) this.#made.splice(oldest, 1);
  }

  #field(path: string): LiveField {
    const problem = (remedy: string): ConfigError => new ConfigError([{ where: String(path).slice(0, 100), remedy }]);
    if (this.closed !== undefined) throw problem(this.closed);
    const field = this.#fields.get(path);
    if (field === undefined) {
      throw problem(`cannot be changed while running; these can: ${[...this.#fields.keys()].join(', ')}`);
    }
    return field;
  }

  /** Checks the configuration as it would be. */
  #check(field: LiveField, to: LiveValue): void {
    const reading = new Reading({});
    const changed = <Config extends PoolConfig | RouteConfig>(kind: string, config: Config): Config =>
      field.path === `${kind}.${config.name}.${field.key}` ? { ...config, [field.key]: to } : config;
    const pools = new Map<string, PoolConfig>();
    for (const { name, config, pool } of this.#parts.pools.values()) {
      const now = { ...config, max: pool.max };
      const values = changed('pools', now);
      // What lowers the size of another pool (its part of the fleet's budget) is no mistake of this change.
      if (values !== now) checkPool(name, withoutFloors(values), reading);
      pools.set(name, values);
    }
    const routes = new Map(this.#parts.routes.map(({ name, config }) => [name, changed('routes', config)]));
    for (const [name, values] of routes) checkRoute(name, values, [...pools.keys()], reading);
    checkTogether({ pools, routes }, reading);
    if (reading.problems.length > 0) throw new ConfigError(reading.problems);
  }

  #tell({ id, path, from, to }: Remembered, message: string): void {
    // Without a code: consoles show each code once in a while, and no change may go unseen.
    this.#parts.logger.warn({ change: id, path, from, to }, message);
    for (const listener of this.#listeners) quietly(listener);
  }
}

/** A smaller pool keeps fewer than these by itself, and in an emergency it must not take a restart to get there. */
function withoutFloors({ minIdle, minSeats, ...others }: PoolConfig): Partial<PoolConfig> {
  return others;
}
