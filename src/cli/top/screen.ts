import { CliError, type CliIo } from '../command.js';
import type { Terminal } from '../terminal.js';
import type { Reading } from './interval.js';
import type { SnapshotSource } from './snapshot-source.js';
import { SORTS, viewLines } from './view-text.js';

/** What a {@link Screen} works with. */
export interface ScreenParts {
  readonly io: CliIo;
  readonly terminal: Terminal;
  readonly source: SnapshotSource;
  readonly intervalMs: number;
  /** Ends after so many readings. */
  readonly count: number;
}

const CTRL_C = '\u0003';
const ESCAPE = '\u001b';

/** The live view: reads, draws, and listens to keys until it is ended. */
export class Screen {
  readonly #parts: ScreenParts;
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #sort = 0;
  #paused = false;
  #over = false;
  #looks = 1;
  #trouble: string | undefined;
  #before: Reading | undefined;
  #now: Reading | undefined;

  constructor(parts: ScreenParts) {
    this.#parts = parts;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Resolves to the exit code once somebody has ended it; the screen is as it was before. */
  async run(first: Reading): Promise<number> {
    this.#now = first;
    const leave = this.#parts.terminal.take({
      onKey: (key) => this.#press(key),
      onResize: () => this.#draw(),
      onEnd: () => this.#end(),
    });
    try {
      this.#draw();
      this.#schedule();
      await this.#ended;
      return 0;
    } finally {
      this.#over = true;
      this.#stop.abort();
      clearTimeout(this.#timer);
      leave();
    }
  }

  #schedule(): void {
    if (this.#over) return;
    if (this.#looks >= this.#parts.count) this.#end();
    else this.#timer = setTimeout(() => void this.#look(), this.#parts.intervalMs);
  }

  async #look(): Promise<void> {
    if (!this.#paused) {
      const { source, io } = this.#parts;
      try {
        const snapshot = await source.read(this.#stop.signal);
        // Whoever pressed the key in the meantime wants to go on reading what is there.
        if (this.#paused) return this.#schedule();
        this.#before = this.#now;
        this.#now = { atMs: io.nowMs(), snapshot };
        this.#trouble = undefined;
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        this.#trouble = error.message;
      }
      this.#looks += 1;
      this.#draw();
    }
    this.#schedule();
  }

  #press(key: string): void {
    if (key === 'q' || key === CTRL_C || key === ESCAPE) {
      this.#end();
      return;
    }
    if (key === 's') this.#sort = (this.#sort + 1) % SORTS.length;
    else if (key === 'p') this.#paused = !this.#paused;
    else return;
    this.#draw();
  }

  #draw(): void {
    if (this.#over || this.#now === undefined) return;
    const { io, terminal, source } = this.#parts;
    const { columns, rows } = terminal;
    const lines = viewLines({
      where: source.where,
      now: this.#now,
      before: this.#before,
      sort: SORTS[this.#sort] ?? 'shed',
      columns,
      colours: io.colours === true,
    });
    const last = this.#troubleIn(columns) ?? `q ends  s sorts  p ${this.#paused ? 'goes on (paused)' : 'pauses'}`;
    // The last line stays in sight, whatever does not fit above it.
    terminal.draw([...lines.slice(0, Math.max(1, rows - 1)), last.slice(0, columns)]);
  }

  /** The address stands in the title: without room for both, what is wrong is said alone. */
  #troubleIn(columns: number): string | undefined {
    if (this.#trouble === undefined || this.#trouble.length <= columns) return this.#trouble;
    return this.#trouble.replace(`${this.#parts.source.where} `, '');
  }
}
