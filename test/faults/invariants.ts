import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Gateway } from 'sluice';
import { expect } from 'vitest';
import { busyParts, expectBalanced } from '../integration/http/harness.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { until } from './until.js';

/** What a fault may leave on the heap, in bytes: samples, histograms and compiled code, not requests. */
const MEMORY_GROWTH = 24 * 1_024 * 1_024;

/** Every session of the shop, as the server sees them. */
const SESSIONS = "SELECT pid, state FROM pg_stat_activity WHERE application_name = 'sluice-shop'";

/** Requests that were sent, and of these those that heard nothing. */
export interface Answers {
  sent: number;
  unheard: number;
}

/** What must hold after every fault, whatever it was. Watches from its making on, until {@link Invariants.stop}. */
export class Invariants {
  readonly #gateway: Gateway;
  readonly #databaseUrl: string;
  readonly #answers: Readonly<Answers>;
  readonly #pooled: boolean;
  readonly #heapAtStart: number;
  readonly #uncaught: unknown[] = [];
  readonly #note = (error: unknown): void => {
    this.#uncaught.push(error);
  };

  /**
   * @param databaseUrl - Leads to the server itself, whatever the fault puts before it.
   * @param pooled - A pooler has the sessions: fewer than the shop knows of.
   */
  constructor(gateway: Gateway, databaseUrl: string, answers: Readonly<Answers>, pooled = false) {
    this.#pooled = pooled;
    this.#gateway = gateway;
    this.#databaseUrl = databaseUrl;
    this.#answers = answers;
    this.#heapAtStart = heapInUse();
    process.on('unhandledRejection', this.#note);
    process.on('uncaughtExceptionMonitor', this.#note);
  }

  stop(): void {
    process.off('unhandledRejection', this.#note);
    process.off('uncaughtExceptionMonitor', this.#note);
  }

  /**
   * No seat is taken and nobody is queued; the counters agree, and every request got exactly one answer; every pool is
   * up, with as many sessions on the server as it knows of, and no more than the budget; nothing was thrown past
   * everybody; and the memory is near what it was.
   */
  async expect(): Promise<void> {
    const gateway = this.#gateway;
    await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
    for (const route of gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
    const { sent, unheard } = this.#answers;
    expect({ sent, unheard }).toEqual({ sent, unheard: 0 });
    await this.#expectSessions();
    expect(this.#uncaught).toEqual([]);
    // What is let go by a socket that closes, or swept by a thread, is gone a moment later; what is kept never is.
    const growth = (): number => heapInUse() - this.#heapAtStart;
    await until(() => growth() < MEMORY_GROWTH, 2_000).catch(() =>
      expect(growth(), 'growth of the heap').toBeLessThan(MEMORY_GROWTH),
    );
  }

  async #expectSessions(): Promise<void> {
    let found: unknown;
    const settled = async (): Promise<boolean> => {
      const known = knownSessions(this.#gateway);
      const fits = (there: number, here: number): boolean => (this.#pooled ? there <= here : there === here);
      const seen = await ask(this.#databaseUrl, SESSIONS);
      const away = [...this.#gateway.telemetry().pools()].filter(({ state }) => state !== 'up');
      const busy = seen.filter(({ state }) => state !== 'idle').length;
      found = { away: away.map(({ name }) => name), busy, seen: seen.length, known: known.total };
      expect(seen.length).toBeLessThanOrEqual(known.budget);
      return away.length === 0 && busy === 0 && known.connecting === 0 && fits(seen.length, known.total);
    };
    await until(settled).catch((cause: unknown) => {
      throw new Error(`the sessions did not come to rest: ${JSON.stringify(found)}`, { cause });
    });
  }
}

function knownSessions(gateway: Gateway): { total: number; connecting: number; budget: number } {
  const gauges = [...gateway.telemetry().pools()].map((pool) => pool.gauges());
  const sum = (key: 'total' | 'connecting' | 'max'): number => gauges.reduce((all, each) => all + each[key], 0);
  return { total: sum('total'), connecting: sum('connecting'), budget: sum('max') };
}

let collect: (() => void) | undefined;

/** Bytes in use after a collection; the flag that allows one is set when it is first needed. */
export function heapInUse(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
