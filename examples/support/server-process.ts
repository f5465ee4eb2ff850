import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Long for any server of an example or a test to end in. */
const STOP_TIMEOUT_MS = 30_000;

/** How to run a server. */
export interface ServerPlan {
  /** For messages. */
  readonly name: string;
  readonly program: string;
  /** Asked at each start. */
  args(): readonly string[];
  /**
   * With `detached` neither Ctrl-C reaches the server, which the application may still need, nor does the server keep
   * this process alive.
   */
  readonly options: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd' | 'env' | 'detached'>;
  /** Path of the file that its output goes to. */
  readonly log: string;
  /** Whether the log is that of all its lives rather than of the last. */
  readonly appends?: boolean;
  readonly startTimeoutMs: number;
  /** Within how long it ends when it is told to; default 30 s. */
  readonly stopTimeoutMs?: number;
  /** Ends it at once. */
  readonly crashSignal: NodeJS.Signals;
  /** Whether it takes connections; asked again and again while it starts. */
  ready(pid: number | undefined): Promise<boolean>;
  /** What tells in its log why it did not start. */
  reason(log: string): string;
}

/** A server that is a child of this process, in one life after the other. */
export class ServerProcess {
  readonly #plan: ServerPlan;
  #child: ChildProcess | undefined;

  constructor(plan: ServerPlan) {
    this.#plan = plan;
  }

  /** `undefined` while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /**
   * Starts it, and resolves once it is ready.
   *
   * @param onSpawn - Told of its process id before that.
   * @throws Error with why it did not start, as its log says; it does not run then.
   */
  async start(onSpawn?: (pid: number) => void): Promise<void> {
    const { name, startTimeoutMs, options, crashSignal } = this.#plan;
    const child = this.#spawn();
    if (child.pid !== undefined) onSpawn?.(child.pid);
    let failure: string | undefined;
    child.once('error', (error) => {
      failure = error.message;
      this.#child = undefined;
    });
    child.once('exit', () => {
      failure ??= `${name} ended`;
      if (this.#child === child) this.#child = undefined;
    });
    const giveUpAt = performance.now() + startTimeoutMs;
    while (!(await this.#plan.ready(child.pid))) {
      if (performance.now() > giveUpAt) {
        failure ??= `${name} took no connection within ${startTimeoutMs} ms`;
        await this.stop(crashSignal);
      }
      if (failure !== undefined) throw new Error(`${failure}: ${await this.#reason()}`);
      await delay(5);
    }
    if (options.detached === true) child.unref();
  }

  /**
   * Resolves when it has ended.
   *
   * @throws Error with what its log says when it did not end within `stopTimeoutMs`; it was killed then.
   */
  async stop(signal: NodeJS.Signals = this.#plan.crashSignal): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const { name, stopTimeoutMs = STOP_TIMEOUT_MS } = this.#plan;
    const ended = once(child, 'exit');
    let hangs = false;
    const timer = setTimeout(() => {
      hangs = true;
      child.kill('SIGKILL');
    }, stopTimeoutMs);
    child.ref();
    child.kill(signal);
    await ended.finally(() => clearTimeout(timer));
    if (hangs) throw new Error(`${name} did not end within ${stopTimeoutMs} ms of ${signal}: ${await this.#reason()}`);
  }

  #spawn(): ChildProcess {
    const { program, options, log, appends } = this.#plan;
    const output = openSync(log, appends === true ? 'a' : 'w');
    const child = spawn(program, this.#plan.args(), { ...options, stdio: ['ignore', output, output] });
    closeSync(output);
    this.#child = child;
    return child;
  }

  async #reason(): Promise<string> {
    const text = await readFile(this.#plan.log, 'utf8').catch(() => '');
    return this.#plan.reason(text.trim()) || 'no output';
  }
}
