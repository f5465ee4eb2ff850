import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type BalancerPlan, haproxyConfig } from './haproxy-config.js';

const LOOK_EVERY_MS = 20;
const PATIENCE_MS = 15_000;

/** HAProxy as a process of ours. */
export class Balancer {
  readonly #plan: BalancerPlan;
  readonly #folder: string;
  readonly #process: ChildProcess;
  #output = '';

  private constructor(plan: BalancerPlan, folder: string, child: ChildProcess) {
    this.#plan = plan;
    this.#folder = folder;
    this.#process = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-4_000);
    });
  }

  /**
   * @param program - Path or name of HAProxy.
   * @throws Error when it cannot be run or does not like its configuration.
   */
  static async start(program: string, plan: BalancerPlan): Promise<Balancer> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-haproxy-'));
    const file = join(folder, 'haproxy.cfg');
    await writeFile(file, haproxyConfig(plan));
    const child = spawn(program, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    const balancer = new Balancer(plan, folder, child);
    try {
      const failed = once(child, 'error').then(([error]: unknown[]) => {
        throw new Error(`HAProxy cannot be run: install it ("apt install haproxy") (${String(error)})`);
      });
      await Promise.race([balancer.#answering(), failed]);
      return balancer;
    } catch (error) {
      await balancer.close();
      throw error;
    }
  }

  /** Resolves once requests are sent to this process. */
  async untilReady(name: string): Promise<void> {
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    while (!(await this.#states()).get(name)?.startsWith('UP')) {
      if (performance.now() > giveUpAtMs) throw new Error(`"${name}" is not ready after ${PATIENCE_MS} ms`);
      await delay(LOOK_EVERY_MS);
    }
  }

  async close(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#process;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #answering(): Promise<void> {
    for (;;) {
      if (this.#process.exitCode !== null) throw new Error(`HAProxy ended: ${this.#output.trim()}`);
      if ((await this.#states()).size > 0) return;
      await delay(LOOK_EVERY_MS);
    }
  }

  /** What HAProxy thinks of each process, by name. */
  async #states(): Promise<Map<string, string>> {
    const answer = await fetch(`http://127.0.0.1:${this.#plan.statsPort}/stats;csv`).catch(() => undefined);
    const [head = '', ...rows] = (await answer?.text().catch(() => ''))?.split('\n') ?? [];
    const at = head.split(',').indexOf('status');
    return new Map(rows.map((row) => row.split(',')).map((cells) => [cells[1] ?? '', cells[at] ?? '']));
  }
}
