import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

/** What the reader brings along. */
const READER = `
declare function placeOrder(tx: import('sluice').SluiceClient, body: unknown): Promise<object>;
declare const isOperator: () => boolean;
`;

/** What the compiler says of `text`, as if it were a file of this repository. */
function faultsOf(text: string): string[] {
  const path = `${root}readme-example.ts`;
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === path || fileExists(name);
  host.getSourceFile = (name, target) =>
    name === path ? ts.createSourceFile(name, text, target) : getSourceFile(name, target);
  const program = ts.createProgram([path], options, host);
  const source = program.getSourceFile(path);
  const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  return found.map((fault) => ts.flattenDiagnosticMessageText(fault.messageText, '\n'));
}

describe('the README', () => {
  it('shows code that compiles', { timeout: 60_000 }, () => {
    const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
    expect(example).toContain('createGateway');
    expect(faultsOf(READER + example)).toEqual([]);
    expect(
      faultsOf(READER + example.replace("protect(gateway, 'checkout'", "protect(gateway, 'chekout'")),
    ).toHaveLength(1);
  });

  it('names commands that exist', () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm (?:run )?([a-z]+)/g)].map((match) => match[1] ?? '');
    const unknown = named.filter((name) => !['ci', 'install', ...Object.keys(scripts)].includes(name));
    expect(named.length).toBeGreaterThan(5);
    expect(unknown).toEqual([]);
  });

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map((match) => match[1] ?? '');
    expect(links).toContain('CHANGELOG.md');
    expect(links.filter((link) => !existsSync(`${root}${link}`))).toEqual([]);
  });
});
