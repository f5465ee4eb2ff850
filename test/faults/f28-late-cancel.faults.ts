import { protect } from 'sluice/express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type FaultApp, startFaultApp } from './fault-app.js';
import { REPETITIONS } from './repetitions.js';
import { until } from './until.js';

// F28: requests end at the very moment at which their statement does, so that their cancels come late. A cancel is aimed
// at a session, and whoever has that session by then must not be hit.

/** In the nightly form as many as the requirement says, at once rather than five times. */
const VICTIMS = REPETITIONS === 1 ? 400 : 10_000;
const STATEMENT_MS = 6;

let postgres: PostgresServer;
let app: FaultApp;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  app = await startFaultApp(
    {
      url: postgres.url,
      // Without a forecast, because those that cannot be served in time are what this is about.
      pools: { main: { max: 4, minIdle: 4, feasibility: false, breaker: false } },
      routes: {
        victim: { pool: 'main', deadlineMs: 1_000 },
        leaver: { pool: 'main', deadlineMs: 1_000 },
        other: { pool: 'main', deadlineMs: 30_000 },
      },
    },
    (express, gateway) => {
      for (const name of ['victim', 'leaver', 'other']) {
        express.get(
          `/${name}/:nonce`,
          protect(gateway, name, {}, async (req, res) => {
            const text = 'SELECT $1::text AS nonce, pg_sleep($2::float8 / 1000)';
            const { rows } = await req.sluice.query<{ nonce: string }>(text, [
              req.params.nonce,
              name === 'other' ? 2 : STATEMENT_MS,
            ]);
            res.json({ nonce: rows[0]?.nonce });
          }),
        );
      }
    },
  );
});
afterAll(async () => {
  await app.close();
  await postgres.close();
});

/** A time that finds the end of a statement by itself, however busy the machine is: sooner if served, else later. */
class Aim {
  #ms = STATEMENT_MS + 2;

  get ms(): number {
    return Math.round(this.#ms);
  }

  learn(end: string): void {
    this.#ms = Math.max(STATEMENT_MS, this.#ms + (end === 'served' ? -0.5 : 0.5));
  }
}

const aims = { victim: new Aim(), leaver: new Aim() };

/** Cut short around the end of its statement, now before and now after it. */
async function sendVictim(nonce: string): Promise<string> {
  const headers = { 'x-request-timeout-ms': String(aims.victim.ms) };
  const { status, body } = await app.send(`/victim/${nonce}`, { headers });
  if (status === 200) {
    expect(body).toEqual({ nonce });
    return 'served';
  }
  if (status === 503) return `${body.code}`;
  expect(body).toMatchObject({ code: 'deadline_expired' });
  return 'late';
}

/** The same by hanging up. */
async function leave(nonce: string): Promise<'served' | 'left'> {
  const signal = AbortSignal.timeout(aims.leaver.ms);
  const answer = fetch(`http://127.0.0.1:${app.port}/leaver/${nonce}`, { signal }).then((response) => response.json());
  const body = await answer.catch(() => undefined);
  if (body === undefined) return 'left';
  expect(body).toEqual({ nonce });
  return 'served';
}

it(`F28: ${VICTIMS} cancels at the end of their statements touch nobody else's`, { timeout: 300_000 }, async () => {
  const ends: Record<string, number> = {};
  let begun = 0;
  const takeTurns = async (): Promise<void> => {
    while (begun < VICTIMS) {
      begun += 1;
      const kind = begun % 2 === 0 ? 'victim' : 'leaver';
      const end = await (kind === 'victim' ? sendVictim : leave)(`${kind} ${begun}`);
      aims[kind].learn(end);
      ends[end] = (ends[end] ?? 0) + 1;
    }
  };
  let others = 0;
  const goOn = async (name: string): Promise<void> => {
    while (begun < VICTIMS) {
      others += 1;
      const nonce = `${name} ${others}`;
      const { status, body } = await app.send(`/other/${nonce}`);
      expect({ status, body }).toEqual({ status: 200, body: { nonce } });
    }
  };
  await Promise.all([takeTurns(), takeTurns(), takeTurns(), goOn('one'), goOn('two'), goOn('three')]);
  await until(() => app.stats('leaver').inFlight === 0);
  // The moment was met: some were served and some cut short, in both ways, and the server was told of many.
  const [pool] = [...app.gateway.telemetry().pools()];
  const { cancels, lost } = pool?.gauges() ?? { cancels: 0, lost: -1 };
  expect(others).toBeGreaterThan(VICTIMS / 4);
  expect(ends.served).toBeGreaterThan(VICTIMS / 20);
  expect(ends.late).toBeGreaterThan(VICTIMS / 20);
  expect(ends.left).toBeGreaterThan(VICTIMS / 20);
  expect(cancels).toBeGreaterThan(VICTIMS / 10);
  expect(lost).toBe(0);
  expect(app.unexpected).toEqual([]);
  await app.expectAtRest();
});
