import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../faults/until.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';

const cwd = fileURLToPath(new URL('../../..', import.meta.url));
/** A job of so many chunks, told of on standard output. It neither drains nor ends its process. */
const JOB = `
  const job = async (route, chunks, work) => {
    const run = await gateway.runInChunks(route, async (handle, from = 0) => {
      await work?.(handle);
      console.log('chunk ' + from);
      return from + 1 < chunks ? from + 1 : undefined;
    });
    console.log(run.end, run.chunks);
  };`;

let script: ChildProcess | undefined;
let output = '';

/** Runs a program against the built package, in a process of its own. */
function start(program: string, url = ''): Promise<number | null> {
  const source = `import { createGateway } from 'sluice';${JOB}\nlet gateway;\n${program}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd, env: { ...process.env, url } });
  script = child;
  output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return once(child, 'close').then(([code]) => code as number | null);
}

const said = (text: string): Promise<void> => until(() => output.includes(text));

afterEach(() => {
  script?.kill('SIGKILL');
});

describe('a script whose awaited work waits for nothing that holds a process', () => {
  it.each([
    ['the bucket of a route without a pool', 'rate', "{ priority: 'low', ratePerSecond: 4, burst: 1 }"],
    ['the hours of a route', 'hours', "{ priority: 'low', window: '22:00-06:00', timeZone: 'UTC' }"],
  ])('waits for %s to the end of its job, and ends then without a drain', async (_what, route, settings) => {
    const code = await start(`
      const fromMs = performance.now();
      const wallMs = () => Date.parse('2026-11-22T21:59:59.500Z') + performance.now() - fromMs;
      gateway = await createGateway({ routes: { ${route}: ${settings} } }, { env: {}, random: () => 0, wallMs });
      void job('${route}', 3);`);
    expect(output).toBe('chunk 0\nchunk 1\nchunk 2\ndone 3\n');
    expect(code).toBe(0);
  });

  it('is told of a deadline, where the work never comes back', async () => {
    const code = await start(`
      gateway = await createGateway({ routes: { slow: { deadlineMs: 300 } } }, { env: {} });
      await gateway.run('slow', () => new Promise(() => {})).catch(({ code }) => console.log(code));`);
    expect(output).toContain('deadline_expired\n');
    expect(code).toBe(0);
  });
});

describe('a job whose database goes away', () => {
  let postgres: PostgresServer;
  const open = `
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const pools = { nightly: { profile: 'batch', url: process.env.url, breaker: false, idleTimeoutMs: 100 } };
    const routes = { job: { pool: 'nightly', priority: 'low' } };
    gateway = await createGateway({ pools, routes }, { env: {}, logger });
    console.log('started');`;

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres.close());

  it('ends with its drain, and not when the start would have given up waiting', async () => {
    const code = await start(
      `${open}
      await gateway.run('job', (handle) => handle.query('SELECT 1'));
      await gateway.drain({ timeoutMs: 0 });
      console.log('left', process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length);`,
      postgres.url,
    );
    expect(output).toContain('left 0\n');
    expect(code).toBe(0);
  });

  it('goes on when it is back', async () => {
    const ended = start(
      `${open}
      setInterval(() => gateway.readiness().ready || console.log('down'), 5).unref();
      await job('job', 12, (handle) => handle.query('SELECT pg_sleep(0.1)'));
      await gateway.drain({ timeoutMs: 0 });`,
      postgres.url,
    );
    await said('chunk 1');
    await postgres.stop();
    await said('down');
    await postgres.start();
    expect(await ended).toBe(0);
    expect(output).toContain('done 12');
  });

  it('begins when it comes, after a start without it', async () => {
    await postgres.stop();
    const ended = start(
      `${open}
      await job('job', 2, (handle) => handle.query('SELECT 1'));
      await gateway.drain({ timeoutMs: 0 });`,
      postgres.url,
    );
    await said('started');
    await postgres.start();
    expect(await ended).toBe(0);
    expect(output).toBe('started\nchunk 0\nchunk 1\ndone 2\n');
  });
});
