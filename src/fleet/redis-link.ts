import type { Clock, Timer } from '../clock.js';
import { Comeback } from '../core/fleet-comeback.js';
import { Silence } from '../core/fleet-silence.js';
import { RedisProbe, runScript } from './redis-probe.js';
import {
  describeTrouble,
  isConsequence,
  isEnded,
  isUnexplained,
  isWrongDatabase,
  NO_ANSWER_YET,
  noAnswerWithin,
} from './redis-trouble.js';

/** What Sluice uses of an `ioredis` client (5.10 or newer, a `Redis` or a `Cluster`). */
export interface RedisClient {
  readonly status: string;
  connect(): Promise<unknown>;
  evalsha(sha: string, keys: number, ...args: readonly (string | number)[]): Promise<unknown>;
  eval(script: string, keys: number, ...args: readonly (string | number)[]): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  disconnect(reconnect?: boolean): void;
}

/** A script and the hash by which the server knows it. */
export interface RedisScript {
  readonly text: string;
  readonly sha: string;
}

/** What a {@link RedisLink} is made of. */
export interface RedisLinkOptions {
  readonly client: RedisClient;
  /** Whether the client is ours to open and to close. */
  readonly owned: boolean;
  /** Is written to find out whether it can be, with the hash tag of what could not be. */
  readonly probeKey: string;
  readonly clock: Clock;
  /** The server became reachable, or stopped being so; why, with nothing secret in it. */
  readonly onChange: (up: boolean, why: string) => void;
  /** Why it has never answered, where only that was known before; no secret either. */
  readonly onExplained?: (why: string) => void;
}

/** Nothing waits for Redis longer than this, in ms: past it an answer is ignored. */
export const REDIS_PATIENCE_MS = 200;
/** As good as for ever, and a number that scripts can read. */
export const LONG_MS = 1e9;
/** How often a server that is away is asked whether it is back. */
const PROBE_MS = 200;

/**
 * The way to Redis: knows whether it answers, and lets nobody wait for it.
 *
 * A server that hangs keeps its socket, so only the answers tell: one that takes longer than
 * {@link REDIS_PATIENCE_MS} makes it `away`, and a write that is answered in time makes it `up` again, on the same node
 * of a cluster as what failed. The time limit is ours, for socket options of the client do not help there.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #listeners: readonly [string, (...args: unknown[]) => void][];
  readonly #comeback = new Comeback();
  readonly #silence: Silence;
  readonly #test: RedisProbe;
  #up = false;
  #answered = false;
  /** The database of the URL was refused: the client stays on the first one until its next connection. */
  #refused: Error | undefined;
  #next: Timer | undefined;
  #closed = false;
  #trouble = NO_ANSWER_YET;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#silence = new Silence(options.clock.nowMs());
    this.#test = new RedisProbe(options.client, options.probeKey);
    this.#listeners = [
      ['error', (error) => this.#failed(error)],
      ['close', () => this.#disconnected()],
      ['ready', () => void this.#probe()],
    ];
    for (const [event, listener] of this.#listeners) options.client.on(event, listener);
  }

  /** Whether the last answer came in time. */
  get up(): boolean {
    return this.#up;
  }

  /** Why it is not {@link up}; names no secret. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Opens the connection, and waits for the first answer for {@link REDIS_PATIENCE_MS} at most. Never rejects. */
  async open(): Promise<void> {
    const { client, owned } = this.#options;
    if (owned && client.status === 'wait') {
      await this.#inTime(client.connect()).catch((error) => this.#lost(error));
    }
    await this.#probe();
  }

  /**
   * Runs a script on one key.
   *
   * @param read - Makes of the answer what it says; throws for what is no answer, and the server is away then.
   * @throws Error where the server is away, or does not answer in time: whether it ran is not known then.
   */
  async run<T>(
    script: RedisScript,
    key: string,
    args: readonly (string | number)[],
    read: (answer: unknown) => T,
  ): Promise<T> {
    if (!this.#up) throw new Error(`Redis is away: ${this.#trouble}`);
    const call = { script, key, args };
    try {
      return read(await runScript(this.#options.client, call, this.#inTime));
    } catch (error) {
      this.#test.failed(call, error);
      throw this.#lost(error);
    }
  }

  /** Whether something can be said, in time or not. */
  get connected(): boolean {
    return !this.#closed && this.#refused === undefined && this.#options.client.status === 'ready';
  }

  /**
   * Tells a script something while the server is away, as it may be merely slow. An answer is waited for as long as the
   * connection lasts: nobody may depend on it.
   *
   * @throws Error where there is no connection, or the server refuses it.
   */
  async tell(script: RedisScript, key: string, args: readonly (string | number)[]): Promise<unknown> {
    const { client } = this.#options;
    if (this.#closed || this.#refused !== undefined || client.status !== 'ready')
      throw new Error(`Redis is away: ${this.#trouble}`);
    return await client.evalsha(script.sha, 1, key, ...args);
  }

  /** Lets go of the client, and ends it where it is ours. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#next?.cancel();
    const { client, owned } = this.#options;
    for (const [event, listener] of this.#listeners) client.off(event, listener);
    if (!owned) return;
    // Errors of its last moments concern nobody, but without a listener they would end the process.
    client.on('error', () => {});
    client.disconnect();
  }

  async #probe(): Promise<void> {
    if (this.#closed) return;
    this.#next?.cancel();
    this.#next = undefined;
    try {
      if (this.#refused !== undefined) throw this.#refused;
      await this.#test.run(this.#inTime);
      this.#found();
    } catch (error) {
      this.#lost(error);
      this.#renew();
    }
  }

  #found(): void {
    const { clock, onChange } = this.#options;
    this.#answered = true;
    if (this.#up || this.#closed) return;
    if (!this.#comeback.good(clock.nowMs())) return this.#probeLater();
    this.#up = true;
    this.#test.passed();
    onChange(true, 'it answers');
  }

  #failed(error: unknown): void {
    if (isWrongDatabase(error)) this.#refused = error;
    this.#lost(error);
  }

  #disconnected(): void {
    this.#refused = undefined;
    this.#silence.begins(this.#options.clock.nowMs());
    this.#lost(new Error('the connection was closed'));
  }

  #lost(error: unknown): Error {
    const { clock, onChange, onExplained } = this.#options;
    const failure = error instanceof Error ? error : new Error(String(error));
    if (this.#closed) return failure;
    const before = this.#trouble;
    const first = before === NO_ANSWER_YET && isEnded(failure);
    if (this.#up || first || !isConsequence(failure)) this.#trouble = describeTrouble(failure, this.#answered);
    this.#probeLater();
    if (!this.#up) {
      this.#comeback.bad();
      if (!this.#answered && isUnexplained(before) && !isUnexplained(this.#trouble)) onExplained?.(this.#trouble);
      return failure;
    }
    this.#comeback.lost(clock.nowMs());
    this.#silence.begins(clock.nowMs());
    this.#up = false;
    onChange(false, this.#trouble);
    return failure;
  }

  #probeLater(): void {
    this.#next ??= this.#options.clock.after(PROBE_MS, () => void this.#probe());
  }

  /** Another connection, where this one may be dead. A client of the application is its own business. */
  #renew(): void {
    const { client, owned, clock } = this.#options;
    if (owned && !this.#closed && this.#silence.tooLong(clock.nowMs())) client.disconnect(true);
  }

  readonly #inTime = <T>(answer: Promise<T>): Promise<T> => {
    const heard = (): void => this.#silence.heard(this.#options.clock.nowMs());
    // One that comes too late tells as well that the connection lives.
    answer.then(heard, (error: Error) => isConsequence(error) || heard());
    return new Promise<T>((resolve, reject) => {
      const timer = this.#options.clock.after(REDIS_PATIENCE_MS, () => reject(noAnswerWithin(REDIS_PATIENCE_MS)));
      answer.then(resolve, reject).finally(() => timer.cancel());
    });
  };
}
