import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = `${root}dist/examples/shop/main.js`;

/** How to start the shop as a process of its own. */
export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Default: node with the built shop. */
  readonly command?: readonly [string, ...string[]];
}

/** The shop as a newcomer meets it: a process with output, signals and an exit code. */
export class ShopProcess {
  readonly child: ChildProcess;
  /** The exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  output = '';
  #running = true;
  #changed: () => void = () => undefined;

  constructor(options: ProcessOptions = {}) {
    if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build", or "npm test", which does`);
    const [command, ...args] = options.command ?? [process.execPath, main];
    // Variables of whoever runs the tests must not reach the shop.
    const ours = Object.entries(process.env).filter(
      ([name]) => !/^(SLUICE_|SHOP_|DATABASE_URL$|REDIS_URL$|npm_)/.test(name),
    );
    const env = { ...Object.fromEntries(ours), PORT: '0', ...options.env };
    this.child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#changed();
      });
    }
    this.ended = once(this.child, 'close').then(([code, signal]: unknown[]) => {
      this.#running = false;
      this.#changed();
      return typeof code === 'number' ? code : String(signal);
    });
  }

  /** Resolves with the match once the output holds one. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (!this.#running) throw new Error(`ended without saying ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** The address that it listens on, once it does. */
  async url(): Promise<string> {
    const match = await this.says(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/m);
    return match[1] ?? '';
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** What Ctrl-C does: the signal goes to every process of the group. */
  interruptGroup(): void {
    if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGINT');
  }

  /** For the end of a test, however it went. */
  async destroy(): Promise<void> {
    if (this.#running) this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Sends one checkout and resolves with its status and its body. */
export async function checkOut(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${url}/checkout`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"sku":1,"quantity":1}',
  });
  return { status: answer.status, body: await answer.json() };
}

/** Asks again and again until `path` answers with `status`; the test's own time limit bounds it. */
export async function untilStatus(url: string, path: string, status: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}${path}`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === status) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
