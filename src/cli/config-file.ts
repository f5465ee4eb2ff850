import { readFile, stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { maskMessage } from '../config/mask-message.js';
import type { GatewayOptions } from '../config/options.js';
import { ConfigError } from '../config/problem.js';
import { JsonSyntaxError, parsePositionedJson } from '../simulator/positioned-json.js';
import { CliError } from './command.js';
import { type ExportedJson, exportedJson } from './exported-json.js';
import { withItsOwnStreams } from './own-streams.js';
import { settled } from './settled.js';
import { syntaxErrorLine } from './syntax-place.js';

/** How to read a file, by the end of its name. */
const READERS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  '.json': readJson,
  '.js': importModule,
  '.mjs': importModule,
  '.cjs': importModule,
  '.ts': importTypeScript,
  '.mts': importTypeScript,
  '.cts': importTypeScript,
};

/**
 * Reads the options of a gateway from a file: JSON, or a module whose default export they are. They are not checked
 * yet.
 *
 * @throws {@link CliError} when the file is not there, is of no known kind, or exports no object.
 */
export async function loadOptions(file: string, cwd: string): Promise<GatewayOptions> {
  const path = resolve(cwd, file);
  const reader = READERS[extname(path).toLowerCase()];
  const options = await readFrom(path, reader ?? unknownKind(file));
  const instead = insteadOfOptions(options, reader === readJson ? 'holds' : 'exports');
  if (instead === undefined && isOptions(options)) return options;
  throw new CliError(`${file} ${instead}, as createGateway takes them`);
}

/**
 * Reads the configuration out of what a file held.
 *
 * @throws {@link CliError} that names the file, for every mistake that is told of a configuration.
 */
export function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CliError(
      `${file}: ${error.message}`,
      error.problems.map((problem) => ({ file, ...problem })),
    );
  }
}

/**
 * Reads a scenario out of a module whose default export it is, as JSON; `undefined` for a file that is no module.
 *
 * @throws {@link CliError} when the module is not there, cannot be run, or exports nothing or what is no JSON.
 */
export async function loadScenarioModule(file: string, cwd: string): Promise<ExportedJson | undefined> {
  const path = resolve(cwd, file);
  const reader = READERS[extname(path).toLowerCase()];
  if (reader === undefined || reader === readJson) return undefined;
  return exportedJson(file, await readFrom(path, reader));
}

/** An object is all that can be told here; the configuration checks everything in it. */
export function isOptions(value: unknown): value is GatewayOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/** What a file gives where it has no options, with the remedy; `undefined` where it may have some. */
function insteadOfOptions(value: unknown, gives: 'holds' | 'exports'): string | undefined {
  const remedy = gives === 'holds' ? 'give the options of the gateway' : 'export the options of the gateway as default';
  if (value === undefined) return `has no default export: ${remedy}`;
  if (typeof value === 'function') return `exports a function: call it there, and ${remedy}`;
  if (isOptions(value))
    return isGateway(value) ? `exports a gateway, and not what it is made of: ${remedy}` : undefined;
  // Not what it is: a url may hold a password.
  const single = value === null ? 'null' : `a ${typeof value}`;
  const kind = Array.isArray(value) ? 'a list' : value instanceof Map ? 'a Map' : single;
  return `${gives} ${kind}: ${remedy}, an object`;
}

/** What createGateway returns has functions where its options have none. */
function isGateway(value: object): boolean {
  return 'snapshot' in value && typeof value.snapshot === 'function';
}

/** @throws {@link CliError} that names the file, where there is none, and for what the reader tells of it. */
export async function readFrom<T>(path: string, reader: (path: string) => Promise<T>): Promise<T> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error.code === 'ENOENT' ? 'there is no such file; correct its name' : error);
  });
  if (found.isDirectory()) throw unreadable(path, 'it is a folder; name a file in it');
  return reader(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
}

/** A folder, or a file that is not there, is told before its ending. */
const unknownKind = (file: string) => (): Promise<never> =>
  Promise.reject(new CliError(`${file}: use a file that ends in ${Object.keys(READERS).join(', ')}`));

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  try {
    return parsePositionedJson(text).value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new CliError(`${path}:${error.position.line}:${error.position.column}: ${error.message}`);
  }
}

async function importModule(path: string): Promise<unknown> {
  try {
    return await withItsOwnStreams(path, () => settled(path, import(pathToFileURL(path).href).then(defaultOf)));
  } catch (error) {
    const line = await syntaxErrorLine(path);
    throw unreadable(line === undefined ? path : `${path}:${line}`, error);
  }
}

async function importTypeScript(path: string): Promise<unknown> {
  const jiti = await import('jiti').catch(() => {
    throw new CliError(`${path}: TypeScript needs the package "jiti": npm install --save-dev jiti`);
  });
  try {
    const { import: load } = jiti.createJiti(import.meta.url);
    return await withItsOwnStreams(path, () => settled(path, load(path).then(defaultOf)));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function defaultOf(module: unknown): unknown {
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
}

function unreadable(path: string, error: unknown): CliError {
  if (error instanceof CliError) return error;
  const name = error instanceof SyntaxError ? 'syntax error: ' : '';
  // It may repeat the url that it could not use.
  const told = name + maskMessage(error instanceof Error ? error.message : String(error));
  // Some tell in several lines what fits into one.
  return new CliError(`${path} cannot be read: ${told.replaceAll(/\s*\n\s*/g, ' ')}`);
}
