import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** A page that people read: the README, or a guide. */
export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** A piece of code on a page. */
export interface CodeBlock {
  readonly page: string;
  readonly language: string;
  /** The name of its file, where it has one. */
  readonly file: string | undefined;
  readonly code: string;
}

const GUIDES = 'examples/guides';

/** The README and every guide. */
export function readPages(): Page[] {
  const guides = readdirSync(`${ROOT}${GUIDES}`).filter((name) => name.endsWith('.md'));
  const paths = ['README.md', ...guides.map((name) => `${GUIDES}/${name}`)];
  return paths.map((path) => ({ path, text: readFileSync(`${ROOT}${path}`, 'utf8') }));
}

/** The code on pages, in the order in which it stands there. */
export function codeBlocks(pages: readonly Page[], ...languages: readonly string[]): CodeBlock[] {
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)]
      .map(([, language = '', file, code = '']) => ({ page: path, language, file, code }))
      .filter(({ language }) => languages.includes(language)),
  );
}

/** What the compiler says of each text, as if all were files of this repository. */
export function faultsOf(texts: readonly string[]): string[][] {
  const paths = texts.map((_, index) => `${ROOT}document-${index}.ts`);
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT);
  // Whoever pastes an example exports nothing for others to read.
  Object.assign(options, { isolatedDeclarations: false, declaration: false });
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => paths.includes(name) || fileExists(name);
  host.getSourceFile = (name, target) => {
    const text = texts[paths.indexOf(name)];
    return text === undefined ? getSourceFile(name, target) : ts.createSourceFile(name, text, target);
  };
  const program = ts.createProgram(paths, options, host);
  return paths.map((path) => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((fault) => ts.flattenDiagnosticMessageText(fault.messageText, '\n'));
  });
}
