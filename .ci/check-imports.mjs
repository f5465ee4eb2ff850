// The layout is only worth something while it holds: imports point one way, and the core stays free of time and I/O.
// Usage: node .ci/check-imports.mjs [root]; prints one line per fault and exits 1 when there is any.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SIBLINGS = ['admission', 'rate-limit', 'pools', 'breaker', 'fleet', 'config', 'telemetry'];
const BASE = ['core', 'clock', 'errors'];

/** What a room may import besides itself. */
const ALLOWED = new Map([
  ['clock', []],
  ['errors', []],
  ['core', ['errors']],
  ...SIBLINGS.map((room) => [room, BASE]),
  ['gateway', [...SIBLINGS, ...BASE]],
  ['index', ['gateway', ...SIBLINGS, ...BASE]],
  // The policy under a virtual clock: no room of the gateway, so that it cannot lean on real time or real I/O.
  ['simulator', BASE],
  ['cli', ['index', 'gateway', 'simulator', ...SIBLINGS, ...BASE]],
  ['middleware', ['index', 'gateway', ...SIBLINGS, ...BASE]],
  // The storm is an example that makes load.
  ['examples', ['test/load']],
]);

/** Each package has one home, so that it can be replaced there. */
const PACKAGE_HOMES = new Map([
  ['pg', ['pools']],
  ['mysql2', ['pools']],
  ['opossum', ['breaker']],
  ['prom-client', ['telemetry']],
  ['zod', ['config', 'simulator']],
  ['jiti', ['cli']],
  ['bottleneck', ['fleet']],
  ['ioredis', ['fleet', 'rate-limit']],
  ['express', ['middleware']],
]);

const IMPURE = new Set([
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'Promise',
  'process',
  'console',
  'fetch',
]);

const SOURCE_FILE = /\.(ts|mts|cts|tsx|js|mjs|cjs)$/;

/** Every fault below `root`, as `path: what is wrong`. */
export function checkImports(root) {
  const faults = [];
  for (const top of ['src', 'middleware', 'examples']) {
    for (const file of sourceFiles(join(root, top))) {
      const path = relative(root, file).split(sep).join('/');
      for (const fault of faultsOf(path, readFileSync(file, 'utf8'))) faults.push(`${path}: ${fault}`);
    }
  }
  return faults;
}

function faultsOf(path, text) {
  const room = roomOf(path);
  if (!ALLOWED.has(room))
    return [`"${room}" is no room of the layout; add it to .ci/check-imports.mjs if it should be`];
  const imported = ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
  const faults = imported.flatMap((name) => importFault(path, room, name) ?? []);
  return room === 'core' ? [...faults, ...impurities(path, text)] : faults;
}

function importFault(path, room, name) {
  if (!name.startsWith('.')) return packageFault(room, name);
  const target = posix.normalize(posix.join(posix.dirname(path), name));
  const targetRoom = roomOf(target);
  if (targetRoom === room || ALLOWED.get(room).includes(targetRoom)) return undefined;
  if (room === 'examples') return `imports ${name}: examples use the public names "sluice" and "sluice/express"`;
  return `imports ${name}: ${room} must not know ${targetRoom}`;
}

function packageFault(room, name) {
  if (room === 'examples') return undefined;
  if (name.startsWith('node:')) return room === 'core' ? `imports ${name}: the core does no I/O` : undefined;
  const parts = name.split('/');
  const bare = name.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  const homes = PACKAGE_HOMES.get(bare);
  if (homes === undefined) return `imports ${name}: no room has this package; add it to .ci/check-imports.mjs`;
  return homes.includes(room) ? undefined : `imports ${name}: only ${homes.join(' and ')} may`;
}

/** The names and keywords by which time, promises and I/O enter a file that must have none. */
function impurities(path, text) {
  const faults = [];
  const visit = (node) => {
    const what = impurity(node);
    if (what !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      faults.push(`line ${line + 1} uses ${what}: in the core the instant and everything else is an argument`);
    }
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  visit(source);
  return faults;
}

function impurity(node) {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isAwaitExpression(node)) return 'await';
  if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') return 'Math.random';
  if (ts.isIdentifier(node) && IMPURE.has(node.text) && !isMemberName(node)) return node.text;
  return undefined;
}

function isMemberName(node) {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return !(ts.isIdentifier(parent.expression) && parent.expression.text === 'globalThis');
  }
  return (
    (ts.isClassElement(parent) || ts.isTypeElement(parent) || ts.isPropertyAssignment(parent)) && parent.name === node
  );
}

/** `src/pools/x.ts` is in the room `pools`; `src/gateway.ts` and `src/gateway/x.ts` are both in `gateway`. */
function roomOf(path) {
  const [top, second = ''] = path.split('/');
  if (top === 'test') return `test/${second}`;
  return top === 'src' ? second.replace(SOURCE_FILE, '') : top;
}

function* sourceFiles(folder) {
  let entries = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (SOURCE_FILE.test(entry.name)) yield path;
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url)));
  const faults = checkImports(root);
  for (const fault of faults) console.error(fault);
  if (faults.length === 0) console.log('imports point one way');
  process.exitCode = faults.length === 0 ? 0 : 1;
}
