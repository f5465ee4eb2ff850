import { chmodSync, chownSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './free-port.js';
import { ServerProcess } from './server-process.js';
import { type Owner, unprivilegedOwner } from './unprivileged-owner.js';
import { type Watchdog, watchFor } from './watchdog.js';

/** How {@link startPgbouncer} starts a pooler. */
export interface PgbouncerOptions {
  /** Its program. Default `pgbouncer`, looked for where programs are. */
  readonly program?: string;
  /** Lines of the section `[databases]`. */
  readonly databases: readonly string[];
  /** By name: the passwords of those who may log in. */
  readonly users: Readonly<Record<string, string>>;
  /** Lines of the section `[pgbouncer]`; those of this file come first. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** A PgBouncer that belongs to this process. */
export interface PgbouncerServer {
  readonly port: number;
  /** Of its console. */
  readonly adminUrl: string;
  readonly pid: number | undefined;
  /** Stops it at once: told to (SIGTERM), or as a crash would (SIGKILL). */
  stop(how: 'orderly' | 'crash'): Promise<void>;
  start(): Promise<void>;
  /** A command for its console. */
  admin(command: string): Promise<Record<string, unknown>[]>;
  /** Changes lines of `[databases]` and settings in its file; a `RELOAD` or a start makes it read them. */
  rewrite(change: Partial<PgbouncerOptions>): Promise<void>;
  /** What it has written, of all its lives. */
  log(): Promise<string>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 10_000;
const ADMIN = 'pooler_admin';
/** Of a console that ends with its test. */
const ADMIN_PASSWORD = 'console';
/** Kills the pooler. */
const KILL = 'kill -9 "$1" 2>/dev/null';

/**
 * Starts a real PgBouncer on a free port, with files of its own. As root it runs as `nobody`, because it refuses root.
 * Should this process end without closing it, it ends as well.
 */
export async function startPgbouncer(options: PgbouncerOptions): Promise<PgbouncerServer> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-pgbouncer-'));
  const server = new LocalPgbouncer(options.program ?? 'pgbouncer', directory, await freePort(), options);
  try {
    await server.prepare();
    await server.start();
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  return server;
}

class LocalPgbouncer implements PgbouncerServer {
  readonly port: number;
  readonly #directory: string;
  readonly #owner: Owner | undefined;
  readonly #process: ServerProcess;
  #options: PgbouncerOptions;
  #watchdog: Watchdog | undefined;
  #console: pg.Client | undefined;
  #lastCommand: Promise<unknown> = Promise.resolve();

  constructor(program: string, directory: string, port: number, options: PgbouncerOptions) {
    this.#directory = directory;
    this.port = port;
    this.#options = options;
    this.#owner = unprivilegedOwner('nobody');
    this.#process = new ServerProcess({
      name: 'PgBouncer',
      program,
      args: () => [join(directory, 'pgbouncer.ini')],
      options: { ...this.#owner, cwd: directory },
      log: join(directory, 'pgbouncer.log'),
      appends: true,
      startTimeoutMs: START_TIMEOUT_MS,
      crashSignal: 'SIGKILL',
      ready: () => this.#answers(),
      reason: (log) => log.slice(-500),
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get adminUrl(): string {
    return `postgres://${ADMIN}:${ADMIN_PASSWORD}@${HOST}:${this.port}/pgbouncer`;
  }

  async prepare(): Promise<void> {
    const { databases, users, settings } = this.#options;
    const all: Record<string, string | number> = {
      pool_mode: 'transaction',
      listen_addr: HOST,
      listen_port: this.port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: join(this.#directory, 'userlist.txt'),
      admin_users: ADMIN,
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
    const ini = ['[databases]', ...databases, '', '[pgbouncer]', ...lines, ''].join('\n');
    const logins = Object.entries({ ...users, [ADMIN]: ADMIN_PASSWORD });
    await this.#write('pgbouncer.ini', ini);
    await this.#write('userlist.txt', logins.map((login) => `${login.map(quoted).join(' ')}\n`).join(''));
  }

  async rewrite(change: Partial<PgbouncerOptions>): Promise<void> {
    this.#options = {
      ...this.#options,
      ...change,
      settings: { ...this.#options.settings, ...change.settings },
    };
    await this.prepare();
  }

  async start(): Promise<void> {
    if (this.#process.running) return;
    await this.#process.start((pid) => {
      this.#watchdog = watchFor(KILL, String(pid));
    });
  }

  async stop(how: 'orderly' | 'crash'): Promise<void> {
    if (!this.#process.running) return;
    await this.#process.stop(how === 'orderly' ? 'SIGTERM' : 'SIGKILL');
    this.#watchdog?.dismiss();
  }

  admin(command: string): Promise<Record<string, unknown>[]> {
    const answer = this.#lastCommand.then(async () => {
      const console = this.#console ?? (await this.#connect());
      const { rows } = await console.query<Record<string, unknown>>(command);
      return rows;
    });
    this.#lastCommand = answer.catch(() => undefined);
    return answer;
  }

  async log(): Promise<string> {
    return await readFile(join(this.#directory, 'pgbouncer.log'), 'utf8');
  }

  async close(): Promise<void> {
    await this.#console?.end().catch(() => undefined);
    await this.stop('crash');
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async #answers(): Promise<boolean> {
    try {
      await this.admin('SHOW VERSION');
      return true;
    } catch {
      return false;
    }
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.adminUrl });
    client.on('error', () => undefined);
    client.on('end', () => {
      if (this.#console === client) this.#console = undefined;
    });
    await client.connect();
    this.#console = client;
    return client;
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#directory, name);
    await writeFile(path, text);
    chmodSync(path, 0o600);
    if (this.#owner === undefined) return;
    for (const each of [this.#directory, path]) chownSync(each, this.#owner.uid, this.#owner.gid);
  }
}

/** As the file of users has it. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
