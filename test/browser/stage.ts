import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type Board, type BoardOptions, startBoard } from './board.js';
import { startBrowser } from './browser.js';

/** What the tests of one file share: a PostgreSQL and a browser, and in each test a board. */
export class Stage {
  #postgres: PostgresServer | undefined;
  #browser: Browser | undefined;
  #board: Board | undefined;

  /** Opens before the tests of the file, and closes after them. */
  constructor() {
    beforeAll(async () => {
      [this.#postgres, this.#browser] = await Promise.all([
        startPostgres({ settings: { fsync: 'off' } }),
        startBrowser(),
      ]);
    });
    afterEach(async () => {
      await this.#board?.close();
      this.#board = undefined;
    });
    afterAll(async () => {
      await this.#browser?.close();
      await this.#postgres?.close();
    });
  }

  get databaseUrl(): string {
    return there(this.#postgres).url;
  }

  get browser(): Browser {
    return there(this.#browser);
  }

  /** An application that lasts until the end of the test, or until the next one. */
  async board(options: Partial<BoardOptions> = {}): Promise<Board> {
    this.#board = await startBoard({ databaseUrl: this.databaseUrl, ...options });
    return this.#board;
  }

  /** A page of the size of a screen. */
  async newPage(width = 1280): Promise<Page> {
    const page = await this.browser.newPage({ viewport: { width, height: 900 } });
    // Only for what hangs: how long a busy machine takes is its own affair.
    page.setDefaultTimeout(120_000);
    return page;
  }
}

/** Opens the dashboard and waits until it is live. */
export async function open(page: Page, board: Board): Promise<void> {
  await page.goto(board.url);
  await page.getByText('● live').waitFor();
}

function there<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('this is there only while the tests run');
  return part;
}
