import { DatabaseUnavailable, prepareDatabase } from './database.js';

const RETRY_MS = 250;

/**
 * Makes the database the shop's, now or as soon as it can be reached. A database that is down does not stop the shop
 * from starting: it waits, unready, and needs no restart when the database comes.
 */
export class Preparation {
  /** Rejects when the database turns out not to be usable at all; otherwise stays open. */
  readonly refused: Promise<never>;
  readonly #url: string;
  readonly #log: (line: string) => void;
  #ready = false;
  #told = false;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #refuse: (error: unknown) => void = () => undefined;

  private constructor(url: string, log: (line: string) => void) {
    this.#url = url;
    this.#log = log;
    this.refused = new Promise((_resolve, reject) => {
      this.#refuse = reject;
    });
    // Whoever waits for it hears of it; nobody has to.
    this.refused.catch(() => undefined);
  }

  /**
   * Resolves after the first attempt, whether the database was there or not.
   *
   * @throws DatabaseRefused when it was there and cannot become the shop's.
   */
  static async start(url: string, log: (line: string) => void): Promise<Preparation> {
    const preparation = new Preparation(url, log);
    await preparation.#attempt();
    return preparation;
  }

  /** Whether the tables are there. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Ends the attempts; resolves when none runs. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#running;
  }

  async #attempt(): Promise<void> {
    try {
      const found = await prepareDatabase(this.#url);
      this.#ready = true;
      if (this.#told || found === 'seeded') this.#log(`the database is ready: ${WHAT[found]}`);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error;
      if (!this.#told) {
        this.#told = true;
        this.#log(`the database cannot be reached (${error.message}); not ready until it can, trying again`);
      }
      if (!this.#closed) this.#retry = setTimeout(() => this.#again(), RETRY_MS);
    }
  }

  #again(): void {
    this.#running = this.#attempt().catch((error: unknown) => this.#refuse(error));
  }
}

const WHAT = { seeded: 'tables created and filled', reused: 'the tables of an earlier start' } as const;
