import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../examples/support/free-port.js';
import { until } from './until.js';

/** The built example, as `npm test` builds it. */
const MAIN = fileURLToPath(new URL('../../dist/examples/cluster/main.js', import.meta.url));

/** An answer of the example, and the process that gave it. */
export interface Served {
  readonly worker: number;
  readonly status: number;
  readonly text: string;
}

/** The example of a cluster, as a program of its own. */
export class ClusterProgram {
  /** All that it and its workers have said. */
  output = '';
  readonly #primary: ChildProcess;
  readonly #url: string;

  /** @param env - Variables beside those of this process. */
  static async start(env: Readonly<Record<string, string>>): Promise<ClusterProgram> {
    return new ClusterProgram(env, await freePort());
  }

  private constructor(env: Readonly<Record<string, string>>, port: number) {
    this.#url = `http://127.0.0.1:${port}`;
    const all = { ...process.env, ...env, PORT: String(port) };
    this.#primary = spawn(process.execPath, [MAIN], { env: all, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#primary.stdout, this.#primary.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  /** Its code, or the signal that ended it; `undefined` while it runs. */
  get ended(): number | string | undefined {
    return this.#primary.exitCode ?? this.#primary.signalCode ?? undefined;
  }

  async listens(): Promise<void> {
    await until(() => this.output.includes('listening on'));
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#primary.kill(signal);
  }

  /** On a connection of its own, so that the primary chooses who serves it. */
  async get(path: string, patienceMs = 60_000): Promise<Served> {
    const asked = request(`${this.#url}${path}`, { agent: false, signal: AbortSignal.timeout(patienceMs) }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const chunks = await response.setEncoding('utf8').toArray();
    const worker = Number(response.headers['x-worker']);
    return { worker, status: response.statusCode ?? 0, text: chunks.join('') };
  }

  /** The workers that answer, by their processes, where there are `count` at most. */
  async workers(count: number): Promise<Set<number>> {
    const found = new Set<number>();
    for (let n = 0; n < 4 * count; n += 1) found.add((await this.get('/products')).worker);
    return found;
  }
}
