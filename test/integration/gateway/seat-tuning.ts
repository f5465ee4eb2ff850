import { createGateway, type Gateway, type GatewayOptions, isSluiceError, type RequestHandle } from 'sluice';
import type { Clock } from '../../../src/clock.js';
import type { PoolSnapshot } from '../../../src/telemetry/snapshot.js';
import { LogBook } from '../http/harness.js';

const LOOK_MS = 20;

/** A gateway with callers that come again as soon as they are answered, until they are told to stop. */
export class BusyGateway {
  readonly gateway: Gateway;
  readonly #loops: Promise<void>[] = [];
  #stopped = new AbortController();

  private constructor(gateway: Gateway) {
    this.gateway = gateway;
  }

  static async open(options: Pick<GatewayOptions, 'pools' | 'routes' | 'mode'>, clock?: Clock): Promise<BusyGateway> {
    const whole = { maxEventLoopLagMs: 0, readinessDelayMs: 0, ...options };
    const surroundings = { env: {}, logger: new LogBook(), ...(clock === undefined ? {} : { clock }) };
    return new BusyGateway(await createGateway(whole, surroundings));
  }

  /** So many callers do this on a route. */
  call(route: string, callers: number, work: (handle: RequestHandle) => Promise<unknown>): void {
    const { signal } = this.#stopped;
    const loop = async (): Promise<void> => {
      while (!signal.aborted) {
        await this.gateway.run(route, work).catch(async (error: unknown) => {
          if (!isSluiceError(error)) throw error;
          // Refused at once it would ask again at once, and starve everybody else of this process.
          await look();
        });
      }
    };
    for (let caller = 0; caller < callers; caller++) this.#loops.push(loop());
  }

  /** No caller comes again. Resolves when all have been answered. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#loops.splice(0));
    this.#stopped = new AbortController();
  }

  seats(pool: string): PoolSnapshot['seats'] {
    const found = this.gateway.snapshot().pools.find(({ name }) => name === pool);
    if (found === undefined) throw new Error(`no pool ${pool}`);
    return found.seats;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.gateway.drain({ timeoutMs: 0 });
  }
}

function look(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

/** Waits until a condition holds without taking the processor from the work that shall make it so. */
export async function eventually(condition: () => boolean, limitMs = 60_000): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${condition.toString()}`);
    await look();
  }
}
