import type { Clock } from '../clock.js';
import type { GatewayConfig, PoolConfig } from '../config/config.js';
import { divideShare } from '../core/budget-share.js';
import { PoolerConsole, type PoolerSetup } from '../pools/pooler-console.js';
import { FollowedPool } from './followed-pool.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { PoolerReport } from './pooler-check.js';
import { modeText, poolsText } from './pooler-mode.js';
import { entryOf, serverOf } from './server-names.js';

/** Between two looks at a pooler. Each is a connection of its own to the console, from every instance. */
export const LOOK_MS = 5_000;

/** What a {@link PoolerFollow} works with. */
export interface PoolerFollowOptions {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly warn: (code: string, message: string) => void;
  /** Each time: the pooler of these pools may open so many connections at the server, its reserve included. */
  readonly onSize: (pools: readonly string[], serverSize: number) => void;
}

/** One entry of a pooler, and the pools that share what it has. */
interface Entry {
  readonly server: string;
  readonly console: PoolerConsole;
  readonly pools: readonly FollowedPool[];
  /** What the configuration says of its size. */
  readonly told: number | undefined;
  size: number | undefined;
  mode: string | undefined;
  asking: boolean;
}

/**
 * Keeps to poolers that change while the gateway works (a RELOAD, a restart with another file), as far as their consoles
 * may be asked: the pools together never have more connections than the pooler gives them, and get them back with it; a
 * mode that does not fit is told. Nothing in flight is cut.
 */
export class PoolerFollow {
  readonly #options: PoolerFollowOptions;
  readonly #entries = new Map<string, Entry>();
  #pools: ReadonlyMap<string, PoolRuntime> = new Map();

  constructor(options: PoolerFollowOptions) {
    this.#options = options;
  }

  /** From now on these pools are kept to what their poolers have. */
  follow(pools: ReadonlyMap<string, PoolRuntime>): void {
    this.#pools = pools;
  }

  /**
   * A pool was found to go through a pooler.
   *
   * @param known - What was found of it, and told where it does not fit.
   */
  found(config: PoolConfig, known: Pick<PoolerReport, 'mode' | 'consoleSize'>): void {
    const name = entryOf(config.url);
    if (config.poolerAdminUrl === undefined || this.#entries.has(name)) return;
    const sharing = [...this.#pools.values()].filter((each) => entryOf(each.config.url) === name);
    const told = sharing.map((each) => each.config.poolerSize).find((size) => size !== undefined);
    const entry: Entry = {
      server: serverOf(config.url),
      console: new PoolerConsole(config.poolerAdminUrl, config.url, this.#options.clock),
      pools: sharing.map((runtime) => new FollowedPool(runtime)),
      told,
      size: known.consoleSize,
      mode: known.mode,
      asking: false,
    };
    this.#entries.set(name, entry);
    this.#arm(entry);
  }

  /** A pool is connected again: a pooler that was restarted may have read another file. */
  look({ url }: PoolConfig): void {
    const entry = this.#entries.get(entryOf(url));
    if (entry !== undefined) void this.#ask(entry);
  }

  /** Whether a warning of a pool is news: the pool itself and its console may tell of the same mode. */
  isNews({ url }: PoolConfig, code: string): boolean {
    const entry = this.#entries.get(entryOf(url));
    if (entry === undefined || code !== 'pooler_statement_mode') return true;
    const news = entry.mode !== 'statement';
    entry.mode = 'statement';
    return news;
  }

  #arm(entry: Entry): void {
    this.#options.clock.after(LOOK_MS, () => {
      if (entry.pools.every(({ state }) => state === 'closed')) return;
      if (entry.pools.some(({ state }) => state === 'up')) void this.#ask(entry);
      this.#arm(entry);
    });
  }

  /** Never rejects: of a console that does not answer the start and the metrics tell. */
  async #ask(entry: Entry): Promise<void> {
    if (entry.asking) return;
    entry.asking = true;
    const setup = await entry.console.setup().catch(() => undefined);
    entry.asking = false;
    if (setup === undefined) return;
    this.#tellMode(entry, setup.mode);
    // Consoles of other poolers may say it in another way.
    if (!Number.isSafeInteger(setup.size)) return;
    const before = entry.size;
    entry.size = setup.size;
    if (entry.told === undefined) this.#keepTo(entry, setup);
    else if (before !== setup.size && setup.size < this.#needed(entry))
      this.#tellDiffers(entry, entry.told, setup.size);
  }

  #tellMode(entry: Entry, mode: string): void {
    if (mode === entry.mode) return;
    entry.mode = mode;
    const text = modeText(namesOf(entry.pools), mode);
    if (text === undefined) return;
    if (mode === 'statement') this.#options.warn('pooler_statement_mode', text);
    else this.#options.warn('pooler_session_mode', text);
  }

  #keepTo(entry: Entry, { size, reserve }: PoolerSetup): void {
    const { instances } = this.#options.config;
    const part = Math.floor(size / instances);
    // A pool without any would serve nobody, and one connection too many only waits at the pooler.
    const ceilings = divideShare(entry.pools, Math.max(part, entry.pools.length));
    const changed = entry.pools.map((pool) => pool.keepTo(ceilings.get(pool.name) ?? 1)).includes(true);
    if (changed) this.#options.warn('pooler_size_changed', sizeText(entry, size, instances, this.#needed(entry)));
    this.#options.onSize(namesOf(entry.pools), size + reserve);
  }

  /** What the pools are set to use in all instances. */
  #needed({ pools }: Entry): number {
    return pools.reduce((sum, { max }) => sum + max, 0) * this.#options.config.instances;
  }

  #tellDiffers({ pools, server }: Entry, told: number, size: number): void {
    this.#options.warn(
      'pooler_size_differs',
      `${poolsText(namesOf(pools))}: poolerSize is ${told}, and the pooler "${server}" has only ${size} connections now; raise ` +
        'pool_size of the pooler, or correct poolerSize',
    );
  }
}

function sizeText({ pools, server }: Entry, size: number, instances: number, needed: number): string {
  const parts = pools.map(({ name, ceiling, max }) => `${name} ${ceiling} of ${max}`).join(', ');
  const of = instances === 1 ? '' : `, for ${instances} instances`;
  const found = `${poolsText(namesOf(pools))}: the pooler "${server}" has ${size} connections now${of}: from here on ${parts} are used`;
  if (needed <= size) return found;
  const short = size < pools.length * instances ? '; that is less than one for each, and some wait at the pooler' : '';
  return `${found}${short}. Raise pool_size of the pooler to ${needed} to have all of them`;
}

function namesOf(pools: readonly FollowedPool[]): string[] {
  return pools.map(({ name }) => name);
}
