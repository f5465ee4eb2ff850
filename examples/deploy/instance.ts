import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a shop is started. */
export interface InstanceOptions {
  readonly name: string;
  readonly port: number;
  /** The built shop: `examples/shop/main.js`. */
  readonly shopFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears what it prints. */
  readonly log: (line: string) => void;
}

/** One shop of a fleet, always on the same port. */
export class Instance {
  readonly name: string;
  readonly port: number;
  readonly #options: InstanceOptions;
  #child: ChildProcess | undefined;

  constructor(options: InstanceOptions) {
    this.name = options.name;
    this.port = options.port;
    this.#options = options;
  }

  /** `undefined` while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Resolves once it listens.
   *
   * @throws Error with what it printed when it ends before.
   */
  async start(): Promise<void> {
    const { shopFile, env, log } = this.#options;
    const child = spawn(process.execPath, [shopFile], {
      env: { ...process.env, ...env, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A Ctrl-C is for the one who ends them all in order.
      detached: true,
    });
    this.#child = child;
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    let output = '';
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output = (output + text).slice(-4_000);
          for (const line of text.trimEnd().split('\n')) log(`${this.name}: ${line}`);
          if (/^listening on /m.test(output)) resolve();
        });
      }
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${this.name} ended with ${code}: ${output.trim()}`)));
    });
  }

  /** Asks it to end in order. Resolves with its exit code, or with the signal that ended it; 0 where it did not run. */
  async end(): Promise<number | string> {
    const child = this.#child;
    if (child === undefined) return 0;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const [code, signal] = (await ended) as [number | null, string | null];
    return code ?? signal ?? 0;
  }
}
