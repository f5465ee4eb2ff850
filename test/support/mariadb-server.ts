import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { freePort } from './free-port.js';
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
/** Ends the server and removes its data once the pipe from our process closes, however that process ended. */
const WATCHDOG = `
read word
[ "$word" = closed ] && exit 0
kill -9 "$(cat "$1/pid")" 2>/dev/null
rm -rf "$1"
`;

/** Fast rather than durable, and able to tell the attributes of its connections. */
const SETTINGS: Readonly<Record<string, string>> = {
  'bind-address': HOST,
  'skip-name-resolve': '1',
  'performance-schema': 'ON',
  'innodb-flush-log-at-trx-commit': '0',
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
  readonly #binary: string;
  readonly #directory: string;
  readonly #flags: readonly string[];
  readonly #watchdog: ChildProcess;
  #process: ChildProcess | undefined;
  #admin: Promise<Connection> | undefined;

  constructor(binary: string, directory: string, port: number, settings: Readonly<Record<string, string>>) {
    this.port = port;
    this.#binary = binary;
    this.#directory = directory;
    this.#flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    this.#watchdog = spawn('sh', ['-c', WATCHDOG, 'sh', directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#watchdog.stdin?.on('error', () => undefined);
    this.#watchdog.unref();
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get url(): string {
    return `mysql://${ADMIN}:${PASSWORD}@${HOST}:${this.port}/${DATABASE}`;
  }

  async start(): Promise<void> {
    if (this.#process !== undefined) return;
    const log = join(this.#directory, 'server.log');
    const output = openSync(log, 'w');
    const places = ['datadir=data', 'tmpdir=data', 'socket=socket', 'pid-file=pid'].map((each) => {
      const [name, file = ''] = each.split('=');
      return `--${name}=${join(this.#directory, file)}`;
    });
    const init = `--init-file=${join(this.#directory, 'data', 'init.sql')}`;
    const child = spawn(
      this.#binary,
      ['--no-defaults', ...asRoot(), ...places, `--port=${this.port}`, init, ...this.#flags],
      { stdio: ['ignore', output, output], detached: true },
    );
    closeSync(output);
    child.once('exit', () => {
      if (this.#process === child) this.#process = undefined;
    });
    this.#process = child;
    const giveUpAt = performance.now() + START_TIMEOUT_MS;
    for (let text = ''; !text.includes('ready for connections'); text = await readFile(log, 'utf8')) {
      if (this.#process === undefined || performance.now() > giveUpAt) {
        throw new Error(
          `MariaDB did not start: ${(await readFile(log, 'utf8')).trim().split('\n').slice(-3).join(' ')}`,
        );
      }
      await delay(5);
    }
    child.unref();
  }

  async stop(how: 'orderly' | 'crash'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    this.#admin = undefined;
    child.ref();
    child.kill(how === 'orderly' ? 'SIGTERM' : 'SIGKILL');
    await ended;
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
    this.#watchdog.stdin?.end('closed\n');
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

async function initialise(directory: string): Promise<void> {
  const data = join(directory, 'data');
  const child = spawn(
    'mariadb-install-db',
    ['--no-defaults', ...asRoot(), `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { stdio: 'ignore' },
  );
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`mariadb-install-db ended with code ${code}`);
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

/** MariaDB runs as root only where it is told to. */
function asRoot(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}
