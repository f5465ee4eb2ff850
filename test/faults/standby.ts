import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import pg from 'pg';
import { ask } from '../integration/pools/pool-fixture.js';
import { until } from './until.js';

/** Where a standby listens. */
export interface StandbyPlace {
  readonly host: string;
  readonly port: number;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A second server that follows a first one, and only answers what reads. */
export class Standby {
  readonly url: string;
  readonly #command: readonly [string, ...string[]];
  readonly #folder: string;
  readonly #owner: Owner;
  #process: ChildProcess | undefined;

  private constructor(primaryUrl: string, folder: string, bin: string, owner: Owner, place: StandbyPlace) {
    const url = new URL(primaryUrl);
    url.hostname = place.host;
    url.port = String(place.port);
    this.url = url.href;
    this.#folder = folder;
    this.#owner = owner;
    const settings = { listen_addresses: place.host, unix_socket_directories: '', fsync: 'off', hot_standby: 'on' };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#command = [join(bin, 'postgres'), '-D', join(folder, 'data'), '-p', String(place.port), ...flags];
  }

  /** Copies the primary as it is, and follows it from there on. */
  static async of(primaryUrl: string, place: StandbyPlace): Promise<Standby> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-standby-'));
    const client = new pg.Client({ connectionString: primaryUrl });
    await client.connect();
    try {
      const about =
        "SELECT setting AS bin, current_setting('data_directory') AS data FROM pg_config WHERE name = 'BINDIR'";
      const { rows } = await client.query<{ bin: string; data: string }>(about);
      const { bin, data } = rows[0] ?? { bin: '', data: '' };
      const owner = await stat(data);
      await chown(folder, owner.uid, owner.gid);
      await client.query("SELECT pg_backup_start('standby', true)");
      const copy = join(folder, 'data');
      await cp(data, copy, { recursive: true, filter: (path) => basename(path) !== 'postmaster.pid' });
      const { rows: stopped } = await client.query<{ labelfile: string }>(
        'SELECT labelfile FROM pg_backup_stop(false)',
      );
      await writeFile(join(copy, 'backup_label'), stopped[0]?.labelfile ?? '');
      const { hostname, port, username, password } = new URL(primaryUrl);
      const source = `host=${hostname} port=${port} user=${username} password=${password}`;
      await writeFile(join(copy, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
      await writeFile(join(copy, 'standby.signal'), '');
      if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, folder]);
      execFileSync('chmod', ['700', copy]);
      const standby = new Standby(primaryUrl, folder, bin, owner, place);
      await standby.start().catch((error: unknown) => standby.close().then(() => Promise.reject(error)));
      return standby;
    } finally {
      await client.end();
    }
  }

  async start(): Promise<void> {
    const [command, ...args] = this.#command;
    const owner = process.getuid?.() === 0 ? { uid: this.#owner.uid, gid: this.#owner.gid } : {};
    const child = spawn(command, args, {
      ...owner,
      cwd: this.#folder,
      env: { ...process.env, LC_ALL: 'C' },
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let said = '';
    child.stderr.on('data', (words: Buffer) => {
      said = (said + words).slice(-1_000);
    });
    await until(() => {
      if (child.exitCode !== null) throw new Error(`the standby ended with ${child.exitCode}: ${said}`);
      return ask(this.url, 'SELECT 1').then(
        () => true,
        () => false,
      );
    });
  }

  /** As a crash: it is gone at once, and its sessions with it. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    this.signal('SIGCONT', child);
    child.kill('SIGQUIT');
    await ended;
  }

  /** To it and to all that serve its sessions. */
  signal(signal: 'SIGSTOP' | 'SIGCONT', child: ChildProcess | undefined = this.#process): void {
    if (child?.pid === undefined) return;
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(child.pid)], { encoding: 'utf8' });
    for (const pid of [child.pid, ...children.split('\n').map(Number)]) if (pid > 0) process.kill(pid, signal);
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
