// Does what a stranger would with nothing but the package and its README: installs the packed tarball beside Express,
// pastes the example, as ESM, CommonJS and TypeScript, and calls it; then the guide for an existing application. What
// the package needs is linked from node_modules, and only what it declares. Run `npm run build` first.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const TSCONFIG = { compilerOptions: { module: 'nodenext', target: 'es2023', strict: true, noEmit: true } };
const TABLE = 'CREATE TABLE orders (id serial PRIMARY KEY, sku int NOT NULL)';
const ANSWER_MS = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'sluice-packed-'));
const { startPostgres } = await import('../dist/examples/support/postgres-server.js');
const postgres = await startPostgres({ settings: { fsync: 'off' } });
try {
  install();
  await prepare();
  const app = example('README.md', 'ts');
  write('app.mjs', app);
  write('app.cjs', asCommonJs(app));
  await serves('app.mjs', {}, survives);
  await serves('app.cjs', {}, survives);
  link('express', 'express4');
  await serves('app.mjs', {}, survives);
  link('express');
  compiles(app);
  compilesToCommonJs(app);
  const guide = 'examples/guides/existing-app.md';
  write('before.mjs', example(guide, 'js before.mjs'));
  write('after.mjs', example(guide, 'js after.mjs'));
  await serves('before.mjs');
  await serves('after.mjs', { SLUICE_MODE: 'observe' }, (answer) => {
    check(
      answer.headers.get('sluice-observe') === 'admit',
      `no Sluice-Observe: ${answer.headers.get('sluice-observe')}`,
    );
  });
  await serves('after.mjs', { SLUICE_ROUTE_CHECKOUT_BURST: '1', SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND: '1' }, shed);
  commandLine();
  console.log('the packed package serves as ESM, CommonJS and TypeScript, and as the guide says');
} finally {
  await postgres.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The tarball, unpacked, and links to what it declares and to what an application in TypeScript has. */
function install() {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'sluice'), { recursive: true });
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], root);
  const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  run('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', join(modules, 'sluice')], root);
  const own = JSON.parse(readFileSync(join(modules, 'sluice/package.json'), 'utf8'));
  const names = [...Object.keys(own.dependencies), 'express', '@types/express', '@types/node', 'typescript'];
  for (const name of names) link(name);
  write('package.json', '{ "name": "app", "private": true }');
}

/** A package as this repository has it, by that name or as another. */
function link(name, source = name) {
  const place = join(folder, 'node_modules', name);
  mkdirSync(dirname(place), { recursive: true });
  rmSync(place, { force: true });
  symlinkSync(join(root, 'node_modules', source), place);
}

async function prepare() {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(TABLE);
  await client.end();
}

/** Code of a page, by what stands behind its fence. */
function example(page, fence) {
  const text = readFileSync(join(root, page), 'utf8');
  const [, code] = text.split(`\n\`\`\`${fence}\n`);
  check(code !== undefined, `${page} has no block "${fence}"`);
  return code.split('\n```')[0];
}

/** As the README says: `require`, and the `await` in a function. */
function asCommonJs(code) {
  const body = code.replace(/^import (.+) from ('.+');$/gm, 'const $1 = require($2);');
  return `async function main() {\n${body}\n}\nmain();\n`;
}

/** Runs the application, calls both of its routes, and ends it. */
async function serves(file, env = {}, look = () => undefined) {
  const port = await freePort();
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: postgres.url, PORT: String(port), SLUICE_READINESS_DELAY_MS: '0', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text;
  });
  const ended = once(child, 'exit');
  try {
    const url = `http://127.0.0.1:${port}`;
    const order = await answered(child, () => checkout(url));
    check(order.status === 201 && (await order.json()).id > 0, `${file}: checkout answered ${order.status}`);
    const sales = await fetch(`${url}/reports/sales`);
    check(sales.status === 200 && (await sales.json()).length === 1, `${file}: sales answered ${sales.status}`);
    await look(order, url);
  } catch (error) {
    throw new Error(`${file}: ${error.message}\n${complaints}`);
  } finally {
    child.kill('SIGTERM');
  }
  const [code] = await ended;
  check(file === 'before.mjs' || code === 0, `${file} ended with ${code}\n${complaints}`);
}

function checkout(url, sku = 1) {
  return fetch(`${url}/checkout`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sku }),
  });
}

/** A handler that rejects costs its own request: Express 4 by itself would let the process end. */
async function survives(_order, url) {
  const failed = await checkout(url, 'no number');
  check(failed.status === 500, `a statement that fails was answered with ${failed.status}`);
  const next = await checkout(url);
  check(next.status === 201, `the one after it was answered with ${next.status}`);
}

/** Waits until the application listens. */
async function answered(child, call) {
  const untilMs = performance.now() + ANSWER_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (child.exitCode !== null || performance.now() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** With a bucket of one, the second checkout at once is refused in the form that the guide shows. */
async function shed(_order, url) {
  const refused = await checkout(url);
  const { code, outcome } = await refused.json();
  check(refused.status === 429 && code === 'rate_limited' && outcome === 'not_started', `refused as ${code}`);
  check(refused.headers.get('content-type').startsWith('application/problem+json'), 'no problem+json');
  check(Number(refused.headers.get('retry-after')) >= 1, 'no Retry-After');
}

/** The example type-checks outside this repository, and with a wrong route name it does not. */
function compiles(app) {
  write('tsconfig.json', JSON.stringify({ ...TSCONFIG, files: ['app.mts', 'wrong.mts'] }));
  write('app.mts', app);
  write('wrong.mts', app.replace("protect(gateway, 'checkout'", "protect(gateway, 'chekout'"));
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false'];
  const { stdout } = spawnSync(process.execPath, tsc, { cwd: folder, encoding: 'utf8' });
  const faults = stdout.split('\n').filter((line) => /error TS/.test(line));
  check(faults.length === 1 && /^wrong\.mts.*"chekout"/.test(faults[0]), `what tsc says: ${stdout}`);
}

/** In a package of CommonJS, as the README says: the compiler resolves as Node does now, or as it did before `exports`. */
function compilesToCommonJs(app) {
  const imports = app.match(/^import .+;$/gm).join('\n');
  const body = app.replace(/^import .+;$/gm, '');
  write('app.ts', `${imports}\nasync function main(): Promise<void> {\n${body}\n}\nvoid main();\n`);
  const before = { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0', esModuleInterop: true };
  for (const options of [{ module: 'nodenext' }, before]) {
    const compilerOptions = { ...TSCONFIG.compilerOptions, ...options };
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['app.ts'] }));
    run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false'], folder);
  }
}

/** The program of the package, on the machine and the server of this run. */
function commandLine() {
  write('gateway.mjs', 'export default { pools: { shop: { max: 4 } }, routes: { checkout: { pool: "shop" } } };');
  const program = join(folder, 'node_modules/sluice/dist/src/cli/main.js');
  run(process.execPath, [program, 'doctor', '--config', 'gateway.mjs'], folder, { DATABASE_URL: postgres.url });
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function run(command, args, cwd, env = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  check(status === 0, `${command} ${args.join(' ')} failed: ${error?.message ?? `${stdout}${stderr}`}`);
}

function write(name, text) {
  writeFileSync(join(folder, name), text);
}

function check(good, complaint) {
  if (!good) throw new Error(complaint);
}
