import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SOURCES = fileURLToPath(new URL('../load/', import.meta.url));

/** The load generator as JavaScript, for a process of its own, so that no build has to be fresh. */
export interface LoadWorker {
  readonly file: string;
  remove(): Promise<void>;
}

/** Strips the generator's files of their types, in a folder of their own. */
export async function prepareLoadWorker(): Promise<LoadWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-load-'));
  const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const names = await readdir(SOURCES);
  for (const name of names.filter((each) => each.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(await readFile(join(SOURCES, name), 'utf8'), {
      compilerOptions: options,
    });
    await writeFile(join(folder, name.replace(/\.ts$/, '.js')), outputText);
  }
  return { file: join(folder, 'worker.js'), remove: () => rm(folder, { recursive: true }) };
}
