// Three shops on one PostgreSQL behind HAProxy, restarted in turn at SIGHUP while they are in use:
//   npm run build && node dist/examples/deploy/main.js
// DATABASE_URL, PORT and HAPROXY (path of the program) may be set, and every variable of the shop.
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../support/postgres-server.js';
import { Fleet } from './fleet.js';

const log = (line: string): void => console.log(line);
const shopFile = fileURLToPath(new URL('../shop/main.js', import.meta.url));
const asked = new Promise<void>((resolve) => {
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve());
});

process.exitCode = await run();

async function run(): Promise<number> {
  // Three shops want 90 connections, and 15 % are to stay free.
  const settings = { fsync: 'off', max_connections: '120' };
  const own = process.env.DATABASE_URL ? undefined : await startPostgres({ settings });
  try {
    const fleet = await Fleet.start({
      databaseUrl: own?.url ?? process.env.DATABASE_URL ?? '',
      shopFile,
      haproxy: process.env.HAPROXY || 'haproxy',
      ...portOf(process.env.PORT || '3000'),
      log,
    });
    const codes = await serve(fleet);
    return codes.every((code) => code === 0) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await own?.close();
  }
}

/** 0 stands for any that is free. */
function portOf(text: string): { port?: number } {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new Error(`PORT="${text}" must be a whole number from 0 to 65535`);
  }
  return text === '0' ? {} : { port: Number(text) };
}

async function serve(fleet: Fleet): Promise<(number | string)[]> {
  let restarting: Promise<void> | undefined;
  const restart = async (): Promise<void> => {
    await fleet.restart().catch((error: unknown) => console.error(error));
    log('all were restarted');
    restarting = undefined;
  };
  process.on('SIGHUP', () => {
    restarting ??= restart();
  });
  log(`the fleet is listening on http://127.0.0.1:${fleet.port}; "kill -HUP ${process.pid}" restarts it in turn`);
  await asked;
  await restarting;
  return fleet.close();
}
