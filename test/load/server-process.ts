import { type ChildProcess, fork } from 'node:child_process';

/** How {@link startServer} starts a server. */
export interface ServerProcessOptions {
  readonly args?: readonly string[];
  /** Added to this process's environment, from which everything about Sluice, the shop and databases is taken out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the process. */
  readonly signal?: AbortSignal;
}

/** A server in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  /** Asks the process something over IPC; only servers that answer may be asked. */
  ask<Answer>(question: string): Promise<Answer>;
  /** SIGTERM, and SIGKILL when that takes longer than 10 s. Resolves to the exit code, `null` when it was killed. */
  stop(): Promise<number | null>;
}

const START_BOUND_MS = 60_000;
const STOP_BOUND_MS = 10_000;
const KEPT_OUTPUT = 4_000;
const LISTENING = /listening on http:\/\/127\.0\.0\.1:(\d+)/;
const FOREIGN = /^(SLUICE_|SHOP_|PG[A-Z]|PORT$|DATABASE_URL$|REDIS_URL$)/;

/**
 * Starts a compiled server file and waits until it prints `listening on http://127.0.0.1:<port>`.
 *
 * @throws Error with the end of the output when the process ends before, or does not listen within a minute.
 */
export async function startServer(file: string, options: ServerProcessOptions = {}): Promise<ServerProcess> {
  options.signal?.throwIfAborted();
  const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  const child = fork(file, options.args ?? [], {
    env: { ...Object.fromEntries(inherited), NODE_ENV: 'production', PORT: '0', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  options.signal?.addEventListener('abort', kill);
  // However this process ends, short of a SIGKILL, its servers end with it.
  process.once('exit', kill);
  child.once('exit', () => {
    options.signal?.removeEventListener('abort', kill);
    process.removeListener('exit', kill);
  });
  const bound = setTimeout(kill, START_BOUND_MS);
  try {
    const port = await listening(child, file);
    return { port, pid: child.pid ?? 0, ask: (question) => ask(child, question), stop: () => stop(child) };
  } finally {
    clearTimeout(bound);
  }
}

function listening(child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (text: string): void => {
      output = (output + text).slice(-KEPT_OUTPUT);
      const found = LISTENING.exec(output);
      if (found !== null) resolve(Number(found[1]));
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(new Error(`${file} ended before it listened (code ${code}, signal ${signal}):\n${output.trim()}`));
    });
  });
}

function ask<Answer>(child: ChildProcess, question: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`the server ended before it answered "${question}"`));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.removeListener('exit', ended);
      resolve(answer as Answer);
    });
    child.send(question);
  });
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const bound = setTimeout(() => child.kill('SIGKILL'), STOP_BOUND_MS);
  child.kill('SIGTERM');
  const code = await ended;
  clearTimeout(bound);
  return code;
}
