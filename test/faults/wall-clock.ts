import { execFileSync } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../support/programs.js';

/** The wall clock of a process, to be set while it runs. Its monotonic clock goes on as ever. */
export class WallClock {
  readonly #folder: string;
  readonly #file: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, 'offset');
  }

  static async make(): Promise<WallClock> {
    const clock = new WallClock(await mkdtemp(join(tmpdir(), 'sluice-clock-')));
    await clock.set(0);
    return clock;
  }

  /** What a process has to be started with to live by this clock. */
  get env(): Record<string, string> {
    // The program knows where its own library lies, and what the system calls the variable that loads it.
    const shown = execFileSync(findProgram('faketime'), ['-f', '+0', 'env'], { encoding: 'utf8' });
    const loading = shown.split('\n').filter((line) => /^(LD_PRELOAD|DYLD_[A-Z_]+)=/.test(line));
    return {
      ...Object.fromEntries(
        loading.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      ),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Sets it to so many seconds ahead of the true time; negative: behind. */
  async set(seconds: number): Promise<void> {
    // In one step: nobody may read half a file.
    const next = `${this.#file}.next`;
    await writeFile(next, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`);
    await rename(next, this.#file);
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
