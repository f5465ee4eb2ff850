import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { freePort } from '../../examples/support/free-port.js';
import { ServerProcess } from '../../examples/support/server-process.js';
import { type Watchdog, watchFor } from '../../examples/support/watchdog.js';
import { findProgram } from './programs.js';

/** A MariaDB that belongs to this process. */
export interface MariadbServer {
  readonly port: number;
  /** Process id of the server; `undefined` while stopped. */
  readonly pid: number | undefined;
  /** For its administrator, with the database `app`. */
  readonly url: string;
  /** Resolves when it has ended: told to (SIGTERM), or as in a crash (SIGKILL). */
  stop(how: 'orderly' | 'crash'): Promise<void>;
  /** Starts it again on the same port and data. Resolves once it accepts connections. */
  start(): Promise<void>;
  /** One statement of its administrator, on a connection that is made anew after the server was away. */
  ask<Row extends RowDataPacket>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Stops it and removes its data. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 30_000;
const DATABASE = 'app';
const ADMIN = 'keeper';
/** Of an administrator who ends with the test. */
const PASSWORD = 'keeper';
/** Of what a program said before it failed. */
const LONGEST_REASON = 2_000;
/** Ends the server and removes its data. */
const REMOVE = `
kill -9 "$(cat "$1/pid")" 2>/dev/null
rm -rf "$1"
`;

/** Fast rather than durable, and able to tell the attributes of its connections. */
const SETTINGS: Readonly<Record<string, string>> = {
  'bind-address': HOST,
  'skip-name-resolve': '1',
  'performance-schema': 'ON',
  'innodb-flush-log-at-trx-commit': '0',
  // A disk that others write to holds a sync up for seconds, and every statement behind it.
  'innodb-flush-method': 'nosync',
  'debug-no-sync': '1',
  'innodb-fast-shutdown': '2',
  'innodb-log-file-size': '16M',
  'innodb-buffer-pool-size': '64M',
};

/**
 * Starts a real MariaDB with fresh data under the directory for temporary files, also as root.
 *
 * @param settings - Of the server, for example `{ 'max-connections': '40' }`.
 * @throws Error with one line that says what is missing and how to get it.
 */
export async function startMariadb(settings: Readonly<Record<string, string>> = {}): Promise<MariadbServer> {
  const binary = findProgram('mariadbd');
  const directory = await mkdtemp(join(tmpdir(), 'sluice-mariadb-'));
  const server = new LocalMariadb(binary, directory, await freePort(), { ...SETTINGS, ...settings });
  try {
    await initialise(directory);
    await server.start();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class LocalMariadb implements MariadbServer {
  readonly port: number;
  readonly #directory: string;
  readonly #watchdog: Watchdog;
  readonly #process: ServerProcess;
  #admin: Promise<Connection> | undefined;

  constructor(program: string, directory: string, port: number, settings: Readonly<Record<string, string>>) {
    this.port = port;
    this.#directory = directory;
    this.#watchdog = watchFor(REMOVE, directory);
    const at = (name: string): string => join(directory, name);
    const places = { datadir: at('data'), tmpdir: at('data'), socket: at('socket'), 'pid-file': at('pid') };
    const all = { ...places, port: String(port), 'init-file': at('data/init.sql'), ...settings };
    const flags = Object.entries(all).map(([name, value]) => `--${name}=${value}`);
    const log = at('server.log');
    this.#process = new ServerProcess({
      name: 'MariaDB',
      program,
      args: () => ['--no-defaults', ...asRoot(), ...flags],
      options: { detached: true },
      log,
      startTimeoutMs: START_TIMEOUT_MS,
      crashSignal: 'SIGKILL',
      ready: async () => (await readFile(log, 'utf8')).includes('ready for connections'),
      reason: (text) => text.split('\n').slice(-3).join(' '),
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get url(): string {
    return `mysql://${ADMIN}:${PASSWORD}@${HOST}:${this.port}/${DATABASE}`;
  }

  async start(): Promise<void> {
    if (!this.#process.running) await this.#process.start();
  }

  async stop(how: 'orderly' | 'crash'): Promise<void> {
    if (this.#process.running) this.#admin = undefined;
    await this.#process.stop(how === 'orderly' ? 'SIGTERM' : 'SIGKILL');
  }

  async ask<Row extends RowDataPacket>(text: string, values?: unknown[]): Promise<Row[]> {
    this.#admin ??= this.#connect();
    const admin = this.#admin;
    try {
      const [rows] = await (await admin).query<Row[]>(text, values);
      return rows;
    } catch (error) {
      const lost = error instanceof Error && 'fatal' in error && error.fatal === true;
      if (lost && this.#admin === admin) this.#admin = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#admin?.then(
      (admin) => admin.destroy(),
      () => undefined,
    );
    await this.stop('crash');
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
    this.#watchdog.dismiss();
  }

  async #connect(): Promise<Connection> {
    const admin = await mysql.createConnection(this.url);
    // Unheard, its end would be that of the process.
    admin.on('error', () => {
      this.#admin = undefined;
    });
    // What a test sets for others is not for this one.
    await admin.query('SET SESSION wait_timeout = 28800');
    return admin;
  }
}

/** Laid out once for all tests of this process, and copied: that takes a fraction of the time. */
let laidOut: Promise<string> | undefined;

async function initialise(directory: string): Promise<void> {
  laidOut ??= layOutMariadb().catch((error: unknown) => {
    laidOut = undefined;
    throw error;
  });
  const data = join(directory, 'data');
  await cp(await laidOut, data, { recursive: true });
  const login = `'${ADMIN}'@'%' IDENTIFIED BY '${PASSWORD}'`;
  await writeFile(
    join(data, 'init.sql'),
    [
      `CREATE DATABASE IF NOT EXISTS ${DATABASE};`,
      `CREATE USER IF NOT EXISTS ${login};`,
      `GRANT ALL ON *.* TO '${ADMIN}'@'%' WITH GRANT OPTION;`,
      '',
    ].join('\n'),
  );
}

/**
 * Lays fresh data out, for servers that begin with a copy; it is removed when this process has ended. Tried a second
 * time: on a busy machine it has failed once, and done the same a moment later. Resolves to where it is.
 */
export async function layOutMariadb(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-mariadb-'));
  watchFor('rm -rf "$1"', directory);
  const data = join(directory, 'data');
  const first = await install(data);
  const second = first === undefined ? undefined : await install(data);
  if (second !== undefined) throw new Error(`${second}; and before that: ${first}`);
  return data;
}

/** Lays out fresh data. Resolves to why that failed, with the end of what was said, if it did. */
async function install(data: string): Promise<string | undefined> {
  await rm(data, { recursive: true, force: true, maxRetries: 3 });
  const child = spawn(
    'mariadb-install-db',
    ['--no-defaults', ...asRoot(), `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-LONGEST_REASON);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0 ? undefined : `mariadb-install-db ended with code ${code}: ${said.trim() || 'no output'}`;
}

/** MariaDB runs as root only where it is told to. */
function asRoot(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}
