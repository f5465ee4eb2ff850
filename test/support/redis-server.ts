import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../examples/support/free-port.js';
import { findProgram } from './programs.js';

/** How a {@link RedisServer} is started. */
export interface RedisServerOptions {
  readonly password?: string;
  /** Further settings, for example `{ maxmemory: '1mb' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

const START_MS = 10_000;

/** A real Redis that belongs to this process, in memory only. */
export class RedisServer {
  readonly port: number;
  readonly #directory: string;
  readonly #options: RedisServerOptions;
  #child: ChildProcess | undefined;

  private constructor(port: number, directory: string, options: RedisServerOptions) {
    this.port = port;
    this.#directory = directory;
    this.#options = options;
  }

  /** @throws Error with one line where the program is missing. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-redis-'));
    const server = new RedisServer(await freePort(), directory, options);
    await server.start();
    return server;
  }

  get url(): string {
    const { password } = this.#options;
    return `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${this.port}`;
  }

  /** Starts it again, empty, on the same port. */
  async start(): Promise<void> {
    const { password, settings = {} } = this.#options;
    const all = { port: `${this.port}`, bind: '127.0.0.1', save: '', dir: this.#directory, ...settings };
    const secret = password === undefined ? {} : { requirepass: password };
    const args = Object.entries({ ...all, ...secret }).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = spawn(findProgram('redis-server'), args, { stdio: 'ignore' });
    await accepting(this.port);
  }

  /** Ends it at once, and forgets everything. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** From now on it is silent: its sockets stay, and nobody answers. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async close(): Promise<void> {
    this.thaw();
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function accepting(port: number): Promise<void> {
  const giveUpAtMs = performance.now() + START_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    if (performance.now() > giveUpAtMs) throw new Error(`redis-server does not accept on port ${port}`);
    await delay(10);
  }
}
