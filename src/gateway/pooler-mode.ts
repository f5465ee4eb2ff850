import type { Clock } from '../clock.js';
import type { PoolConfig } from '../config/config.js';
import type { Connection, ConnectionPool } from '../pools/contract.js';
import { refusesTransactions } from '../pools/pooler-errors.js';

/** The pooler in front of a server hands sessions on in a way that no transaction survives. */
export class PoolerModeError extends Error {
  override readonly name = 'PoolerModeError';
}

const REMEDY = 'set pool_mode = transaction in the pooler, for this database or for all';

/** A pool whose pooler is tried out. */
export interface TriedPool {
  readonly pool: ConnectionPool;
  readonly config: PoolConfig;
  readonly clock: Clock;
  warn(code: string, message: string): void;
}

/** For a second session, to see whether both share one of the server. */
const SECOND_SESSION_MS = 1_000;
/** Rounds in which nothing moves before that counts: three looks each, and in transaction mode mostly one is enough. */
const ROUNDS = 24;

/**
 * Looks at the mode of a pooler.
 *
 * @param told - What its console says; `undefined` has it tried out.
 * @returns The mode, where it is known.
 * @throws PoolerModeError in statement mode.
 */
export async function checkMode(
  tried: TriedPool,
  connection: Connection,
  told: string | undefined,
): Promise<string | undefined> {
  const { config, warn } = tried;
  const mode = told ?? (await triedMode(tried, connection));
  const text = mode === undefined ? undefined : modeText([config.name], mode);
  if (text === undefined) return mode;
  if (mode === 'statement') throw new PoolerModeError(text);
  // Seen from here, a server that nothing stands before behaves alike.
  const direct = told === undefined ? '; or set pooler to none, if the url leads to the server itself' : '';
  warn('pooler_session_mode', `${text}${direct}`);
  return mode;
}

/** What is wrong with the mode of the pooler of these pools, with the remedy; `undefined` where nothing is. */
export function modeText(pools: readonly string[], mode: string): string | undefined {
  const said = `${poolsText(pools)} ${pools.length === 1 ? 'goes' : 'go'} through a pooler in`;
  switch (mode) {
    case 'statement':
      return `${said} statement mode, where no transaction can be opened: ${REMEDY}`;
    case 'session':
      return `${said} session mode, where each connection keeps one of the server for itself: ${REMEDY}`;
    default:
      return undefined;
  }
}

/** Pools for a message. */
export function poolsText(names: readonly string[]): string {
  return `${names.length === 1 ? 'pool' : 'pools'} ${names.map((name) => `"${name}"`).join(' and ')}`;
}

/** What can be seen without the console: statement mode refuses to begin, and session mode shares nothing. */
async function triedMode({ pool, config, clock }: TriedPool, connection: Connection): Promise<string | undefined> {
  try {
    await connection.begin(undefined);
    await connection.rollback();
  } catch (error) {
    if (refusesTransactions(error)) return 'statement';
    throw error;
  }
  if (config.max < 2) return undefined;
  const second = await pool
    .acquire({ deadlineAtMs: clock.nowMs() + SECOND_SESSION_MS, rank: 0 })
    // Another client may have all that the pooler gives: that says nothing of its mode.
    .catch(() => undefined);
  if (second === undefined) return undefined;
  try {
    return (await keepProcesses(connection, second)) ? 'session' : undefined;
  } catch {
    // Who does not tell its process tells nothing of the mode.
    return undefined;
  } finally {
    await second.release();
  }
}

/**
 * Whether each of two sessions keeps a process of the server for itself, whoever else works through the pooler. One
 * process for both, or another one than before, and nobody keeps any. Two looks of one session follow each other, because
 * a pooler that deals its servers out in turn would show two sessions in turn always their own.
 */
async function keepProcesses(one: Connection, other: Connection): Promise<boolean> {
  const [first, second] = [await processOf(one), await processOf(other)];
  for (let round = 0; round < ROUNDS; round += 1) {
    if (first === second || first === undefined) return false;
    for (const [session, kept] of [
      [one, first],
      [one, first],
      [other, second],
    ] as const) {
      if ((await processOf(session)) !== kept) return false;
    }
  }
  return true;
}

async function processOf(connection: Connection): Promise<number | undefined> {
  const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', undefined, undefined);
  return rows[0]?.pid;
}
