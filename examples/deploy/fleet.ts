import { once } from 'node:events';
import { createServer } from 'node:net';
import { Balancer } from './balancer.js';
import { Instance } from './instance.js';

/** How {@link Fleet.start} starts. */
export interface FleetOptions {
  /** PostgreSQL for all of them. */
  readonly databaseUrl: string;
  /** The built shop: `examples/shop/main.js`. */
  readonly shopFile: string;
  /** Path or name of HAProxy. Default `haproxy`. */
  readonly haproxy?: string;
  /** Processes. Default 3. */
  readonly size?: number;
  /** Where clients come in. Default: a free port. */
  readonly port?: number;
  /** More variables for the shops. */
  readonly env?: Readonly<Record<string, string>>;
  /** Hears what happens. Default: nobody. */
  readonly log?: (line: string) => void;
}

const CHECK_EVERY_MS = 150;

/**
 * How long a shop that is asked to end still admits: the balancer has to find out first. A check comes round, takes
 * its time on a busy machine, and a request that was sent just before its answer is on its way still.
 */
const READINESS_DELAY_MS = 1_000;

/** Shops on one database behind one HAProxy, each to be ended and started again without anybody noticing. */
export class Fleet {
  /** Where clients come in. */
  readonly port: number;
  readonly instances: readonly Instance[];
  readonly #balancer: Balancer;
  readonly #log: (line: string) => void;

  private constructor(port: number, instances: readonly Instance[], balancer: Balancer, log: (line: string) => void) {
    this.port = port;
    this.instances = instances;
    this.#balancer = balancer;
    this.#log = log;
  }

  /** Resolves once every process gets requests. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const { databaseUrl, shopFile, haproxy = 'haproxy', size = 3, log = () => undefined } = options;
    const [statsPort = 0, chosenPort = 0, ...ports] = await freePorts(size + 2);
    const port = options.port ?? chosenPort;
    const env = {
      ...options.env,
      DATABASE_URL: databaseUrl,
      // The database's connections are shared by so many: the start is refused where they would not fit.
      SLUICE_INSTANCES: String(size),
      SLUICE_READINESS_DELAY_MS: String(READINESS_DELAY_MS),
    };
    const instances = ports.map((own, n) => new Instance({ name: `shop-${n + 1}`, port: own, shopFile, env, log }));
    const plan = { port, statsPort, backends: instances, checkEveryMs: CHECK_EVERY_MS };
    const started = await Promise.allSettled(instances.map((instance) => instance.start()));
    let balancer: Balancer | undefined;
    try {
      for (const one of started) if (one.status === 'rejected') throw one.reason;
      balancer = await Balancer.start(haproxy, plan);
      const fleet = new Fleet(port, instances, balancer, log);
      for (const { name } of instances) await fleet.untilReady(name);
      return fleet;
    } catch (error) {
      await balancer?.close();
      await Promise.all(instances.map((instance) => instance.end()));
      throw error;
    }
  }

  /** Resolves once requests are sent to this process. */
  untilReady(name: string): Promise<void> {
    return this.#balancer.untilReady(name);
  }

  /**
   * Ends and starts every process in turn, the next one when the last one gets requests again.
   *
   * @throws Error when one does not end with code 0 or does not come back; the others are left alone then.
   */
  async restart(): Promise<void> {
    for (const instance of this.instances) {
      const code = await instance.end();
      if (code !== 0) throw new Error(`${instance.name} ended with ${code}`);
      await instance.start();
      await this.untilReady(instance.name);
      this.#log(`${instance.name} was restarted`);
    }
  }

  /** Ends everything in order. Resolves with the exit codes. */
  async close(): Promise<(number | string)[]> {
    const codes = await Promise.all(this.instances.map((instance) => instance.end()));
    await this.#balancer.close();
    return codes;
  }
}

/** All are held until the last is found, so that none comes twice. */
async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(probes.map((probe) => once(probe, 'listening')));
  const ports = probes.map((probe) => {
    const address = probe.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  });
  await Promise.all(probes.map((probe) => once(probe.close(), 'close')));
  return ports;
}
