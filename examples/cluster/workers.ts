import cluster, { type Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import { BookKeeper } from 'sluice';
import { HandedOver } from './handed-over.js';
import { type Answer, END, type Question, type Refusal } from './messages.js';
import { startOf } from './start-of-worker.js';

/** How {@link Workers} are started. */
export interface WorkersOptions {
  /** The built worker. */
  readonly file: string;
  readonly count: number;
  readonly env: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  /** A worker that has not ended so long after it was asked to is killed. */
  readonly endWithinMs: number;
}

/** Longest wait before a worker is forked, drawn for each: so many that start at once do not connect at once. */
const JITTER_MS = 200;
/** A worker that dies sooner than this is not at once replaced: it would die again. */
const LEAST_LIFE_MS = 5_000;
const PAUSE_MS = 2_000;
/** One that cannot start is tried again after twice the pause before, up to this. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Workers that share a port and the connections of a database: each tells the primary about once a second what it has,
 * and hears what it may have, by the number that lives. One that dies is replaced, and what it had is given out again
 * once its sessions are gone from the server.
 */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #book = new BookKeeper({ nowMs: () => performance.now() });
  /** Names of the workers in the book. */
  readonly #members = new Map<number, string>();
  readonly #handedOver = new HandedOver();
  readonly #end = new AbortController();
  /** Why the last one could not start, once that is told. */
  #told = '';

  constructor(options: WorkersOptions) {
    this.#options = options;
    cluster.setupPrimary({ exec: options.file, args: [], stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  }

  /**
   * Resolves once each of them listens or could not start, to whether they serve: not where they are asked to end.
   *
   * @throws Error when none could start; all are gone then.
   */
  async start(): Promise<boolean> {
    const { count } = this.#options;
    const started = await Promise.all(
      Array.from({ length: count }, () => new Promise<boolean>((resolve) => void this.#keep(resolve))),
    );
    if (this.#ending) return false;
    if (started.includes(true)) return true;
    await this.end();
    throw new Error('no worker could start');
  }

  /** Ends them in order, and kills what does not end. Resolves when all are gone. */
  async end(): Promise<void> {
    this.#end.abort();
    await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => worker && this.#endOne(worker)));
  }

  get #ending(): boolean {
    return this.#end.signal.aborted;
  }

  async #endOne(worker: Worker): Promise<void> {
    if (worker.isDead()) return;
    const exited = exitOf(worker);
    const bound = setTimeout(() => {
      this.#options.log(`worker ${worker.process.pid} does not end, and is killed`);
      worker.process.kill('SIGKILL');
    }, this.#options.endWithinMs);
    const end = (): void => say(worker, END);
    end();
    // One that is starting does not hear before it has loaded its program, as its first word or its port shows.
    worker.once('message', end).once('listening', end);
    await exited;
    clearTimeout(bound);
  }

  /** Keeps one place filled until the end, and tells whether the first worker in it has started. */
  async #keep(tellFirst: (started: boolean) => void): Promise<void> {
    let pauseMs = 0;
    let failures = 0;
    for (let former: number | undefined; ; ) {
      await this.#pause(pauseMs + Math.random() * JITTER_MS);
      if (this.#ending) break;
      const worker = this.#fork();
      const { pid } = worker.process;
      const bornAtMs = performance.now();
      if (former !== undefined) this.#options.log(`worker ${pid} takes the place of ${former}`);
      const exited = exitOf(worker);
      const reason = await startOf(worker);
      tellFirst(reason === undefined);
      former = reason === undefined ? pid : undefined;
      failures = reason === undefined ? 0 : failures + 1;
      this.#tell(`worker ${pid}`, reason);
      await exited;
      if (this.#ending) break;
      if (reason === undefined) this.#options.log(`worker ${pid} is gone`);
      const diesEarly = performance.now() - bornAtMs < LEAST_LIFE_MS;
      pauseMs = diesEarly || failures > 0 ? Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** failures) : 0;
    }
    tellFirst(false);
  }

  #fork(): Worker {
    const worker = cluster.fork(this.#options.env);
    this.#handedOver.watch(worker);
    worker.on('message', (message: Question | Refusal) => {
      if ('ask' in message) void this.#answer(worker, message);
    });
    worker.once('exit', () => {
      const member = this.#members.get(worker.id);
      this.#members.delete(worker.id);
      // One that has ended in order has taken its leave, and is not in the book any more.
      if (member !== undefined) this.#book.die(member);
    });
    return worker;
  }

  /** The reason of those that cannot start is told once, until one can. */
  #tell(who: string, reason = ''): void {
    if (reason !== '' && reason !== this.#told && !this.#ending) this.#options.log(`${who} cannot start: ${reason}`);
    this.#told = reason;
  }

  /** Shorter where the end comes first. */
  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#end.signal }).catch(() => undefined);
  }

  async #answer(worker: Worker, question: Question): Promise<void> {
    const answer: Answer = { number: question.number, reply: await this.#reply(worker, question) };
    say(worker, answer);
  }

  async #reply(worker: Worker, question: Question): Promise<Answer['reply']> {
    if (question.ask === 'meet') {
      this.#members.set(worker.id, question.report.id);
      return this.#book.meet(question.report);
    }
    await this.#book.leave(question.id);
    return undefined;
  }
}

function exitOf(worker: Worker): Promise<void> {
  return new Promise((resolve) => worker.once('exit', () => resolve()));
}

/** One that dies at this moment hears nothing more, which its exit tells already. */
function say(worker: Worker, message: Answer | typeof END): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
