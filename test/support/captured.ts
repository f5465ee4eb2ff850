import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../src/cli/run-cli.js';
import type { Environment } from '../../src/config/reading.js';

/** What a call of the command line said and returned. */
export interface Call {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder with files, for one test. */
export class Folder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'sluice-cli-'));

  /** Writes a file; what is no text is written as JSON. Returns its name. */
  write(name: string, content: unknown): string {
    writeFileSync(join(this.path, name), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
    return name;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Calls the command line in the folder. */
  async call(args: readonly string[], env: Environment = {}): Promise<Call> {
    const out: string[] = [];
    const err: string[] = [];
    const code = await runCli(args, {
      out: (text) => out.push(text),
      err: (text) => err.push(text),
      env,
      cwd: this.path,
      nowMs: () => performance.now(),
    });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }
}
