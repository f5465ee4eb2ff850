import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { BookKeeper } from 'sluice';
import { HandedOver } from './handed-over.js';
import { type Answer, END, type Question } from './messages.js';

/** How {@link Workers} are started. */
export interface WorkersOptions {
  /** The built worker. */
  readonly file: string;
  readonly count: number;
  readonly env: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

/** Longest wait before a worker is forked, drawn for each: so many that start at once do not connect at once. */
const JITTER_MS = 200;
/** A worker that dies sooner than this is not at once replaced: it would die again. */
const LEAST_LIFE_MS = 5_000;
const PAUSE_MS = 2_000;

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
  #ending = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
    cluster.setupPrimary({ exec: options.file, args: [] });
  }

  /** Resolves once all of them listen. */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.count }, () => this.#fork()));
  }

  /** Ends them in order. Resolves when all are gone. */
  async end(): Promise<void> {
    this.#ending = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    await Promise.all(
      workers.map((worker) => {
        const exited = once(worker, 'exit');
        if (worker.isConnected()) worker.send(END);
        return exited;
      }),
    );
  }

  async #fork(): Promise<void> {
    await delay(Math.random() * JITTER_MS);
    if (this.#ending) return;
    const bornAtMs = performance.now();
    const worker = cluster.fork(this.#options.env);
    this.#handedOver.watch(worker);
    worker.on('message', (question: Question) => void this.#answer(worker, question));
    const exited = once(worker, 'exit');
    void exited.then(() => this.#exited(worker, bornAtMs));
    await Promise.race([once(worker, 'listening'), exited]);
  }

  async #exited(worker: Worker, bornAtMs: number): Promise<void> {
    const member = this.#members.get(worker.id);
    this.#members.delete(worker.id);
    // One that has ended in order has taken its leave, and is not in the book any more.
    if (member !== undefined) this.#book.die(member);
    if (this.#ending) return;
    this.#options.log(`worker ${worker.process.pid} is gone, another one takes its place`);
    if (performance.now() - bornAtMs < LEAST_LIFE_MS) await delay(PAUSE_MS);
    await this.#fork();
  }

  async #answer(worker: Worker, question: Question): Promise<void> {
    const answer: Answer = { number: question.number, reply: await this.#reply(worker, question) };
    if (worker.isConnected()) worker.send(answer);
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
