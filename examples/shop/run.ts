import { ConfigError, OverBudgetError, resolveConfig } from 'sluice';
import { boundClients } from 'sluice/express';
import { startPostgres } from '../support/postgres-server.js';
import { createShop, type Shop } from './app.js';
import { DatabaseRefused } from './database.js';
import { FrontDoor } from './front-door.js';
import { shopPolicy } from './policy.js';
import { readSettings, SettingsError, type ShopSettings } from './settings.js';
import type { Shutdown } from './shutdown.js';

const HOST = '127.0.0.1';

/** Something of the outside world is in the way: one line says what. */
class StartError extends Error {
  override readonly name = 'StartError';
}

type Cleanup = () => Promise<void>;

/**
 * Runs the shop until somebody asks it to end, also in the middle of its start.
 *
 * @returns The exit code: 0 when it was asked to end, another when it was asked again, 1 when it could not start or go on.
 */
export async function runShop(shutdown: Shutdown): Promise<number> {
  const cleanups: Cleanup[] = [];
  const failed = await runUntilAsked(shutdown, cleanups);
  for (const cleanup of cleanups.reverse()) {
    await cleanup().catch((error: unknown) => console.error(explain(error)));
  }
  return failed ? 1 : shutdown.exitCode;
}

async function runUntilAsked(shutdown: Shutdown, cleanups: Cleanup[]): Promise<boolean> {
  try {
    const shop = await start(shutdown.signal, cleanups);
    // Calling it again only shortens the drain that is going on.
    shutdown.hurried.addEventListener('abort', () => void shop.close({ timeoutMs: 0 }));
    await Promise.race([shutdown.asked, shop.refused]);
    return false;
  } catch (error) {
    if (shutdown.signal.aborted) return false;
    console.error(explain(error));
    return true;
  }
}

/** Each step first looks whether it is still wanted, and leaves behind what undoes it. */
async function start(signal: AbortSignal, cleanups: Cleanup[]): Promise<Shop> {
  const settings = readEverything();
  // Before anything slow happens: a port in use is told at once, and whoever asks early is answered.
  const door = await open(settings.port);
  cleanups.push(() => door.close());
  signal.throwIfAborted();
  const databaseUrl = settings.databaseUrl ?? (await startEmbedded(cleanups));
  signal.throwIfAborted();
  const shop = await createShop({ ...settings, databaseUrl, env: process.env, log: (line) => console.log(line) });
  cleanups.push(() => shop.close({ server: door.server }));
  signal.throwIfAborted();
  boundClients(shop.gateway, door.server);
  door.lead(shop.app);
  console.log(`listening on http://${HOST}:${door.port}`);
  return shop;
}

/**
 * Reads the shop's settings and looks the gateway's over, so that all mistakes of both are told at once, before anything
 * slow happens.
 */
function readEverything(): ShopSettings {
  // The gateway's are looked for on a URL that fits any form: the real one is the shop's to judge.
  const policy = shopPolicy('postgres://127.0.0.1/postgres');
  const gatewayMistakes = mistakesOf(() => resolveConfig(policy, { ...process.env, DATABASE_URL: '' }));
  const shopMistakes = mistakesOf(() => readSettings(process.env));
  if (shopMistakes !== undefined && gatewayMistakes !== undefined) {
    throw new SettingsError(`${shopMistakes.message}\n${gatewayMistakes.message}`);
  }
  const mistakes = shopMistakes ?? gatewayMistakes;
  if (mistakes !== undefined) throw mistakes;
  return readSettings(process.env);
}

function mistakesOf(read: () => unknown): Error | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof SettingsError || error instanceof ConfigError) return error;
    throw error;
  }
}

async function startEmbedded(cleanups: Cleanup[]): Promise<string> {
  console.log('starting an embedded PostgreSQL, gone at the end; set DATABASE_URL to use one of your own');
  // The data does not outlive the process, so nothing is gained by waiting for the disk.
  const settings = { fsync: 'off', max_parallel_workers_per_gather: '0' };
  const server = await startPostgres({ settings }).catch((error: unknown) => {
    throw error instanceof Error ? new StartError(error.message, { cause: error }) : error;
  });
  cleanups.push(() => server.close());
  return server.url;
}

async function open(port: ShopSettings['port']): Promise<FrontDoor> {
  try {
    return await FrontDoor.open(port, HOST);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') throw new StartError(`port ${port} is in use: end what listens there, or set PORT`);
    if (code === 'EACCES') throw new StartError(`port ${port} needs rights that this process lacks: set PORT`);
    throw error;
  }
}

function explain(error: unknown): string {
  const expected = [ConfigError, DatabaseRefused, OverBudgetError, SettingsError, StartError];
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
