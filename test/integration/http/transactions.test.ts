import type { Request, Response } from 'express';
import type { SluiceClient } from 'sluice';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, until } from '../pools/pool-fixture.js';
import { type Bench, type Latch, latch, serve } from './harness.js';

let postgres: PostgresServer;
let bench: Bench;
let act: (req: Request, res: Response) => unknown;

const balance = async (id: number): Promise<number> =>
  (await ask<{ amount: number }>(postgres.url, 'SELECT amount FROM accounts WHERE id = $1', [id]))[0]?.amount ??
  Number.NaN;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', deadlock_timeout: '50ms' } });
  await ask(postgres.url, 'CREATE TABLE accounts (id int PRIMARY KEY, amount int NOT NULL CHECK (amount >= 0))');
  bench = await serve(
    {
      url: postgres.url,
      pools: { main: { max: 4 }, hasty: { max: 2, lockTimeoutMs: 50 } },
      routes: { work: { pool: 'main' }, hasty: { pool: 'hasty' }, brief: { pool: 'main', deadlineMs: 200 } },
    },
    (app, gateway) => {
      app.get(
        '/work',
        protect(gateway, 'work', {}, (req, res) => act(req, res)),
      );
      app.get(
        '/brief',
        protect(gateway, 'brief', {}, (req, res) => act(req, res)),
      );
      app.get(
        '/hasty',
        protect(gateway, 'hasty', {}, (req, res) => act(req, res)),
      );
    },
  );
});
beforeEach(async () => {
  await ask(postgres.url, 'TRUNCATE accounts');
  await ask(postgres.url, 'INSERT INTO accounts VALUES (1, 100), (2, 100)');
});
afterEach(async () => {
  await bench.atRest();
  expect(bench.unexpected).toEqual([]);
});
afterAll(async () => {
  await bench?.close();
  await postgres?.close();
});

const take = (client: SluiceClient, id: number, amount: number) =>
  client.query('UPDATE accounts SET amount = amount - $2 WHERE id = $1', [id, amount]);

describe('a transaction', () => {
  it('commits when its work resolves, and gives back what it resolved to', async () => {
    act = async (req, res) => {
      const result = await req.sluice.transaction(async (client) => {
        await take(client, 1, 30);
        await take(client, 2, -30);
        return 'moved';
      });
      res.json({ result });
    };
    expect((await bench.request.get('/work')).body).toEqual({ result: 'moved' });
    expect([await balance(1), await balance(2)]).toEqual([70, 130]);
  });

  it('rolls back when its work throws, and passes the error on', async () => {
    act = async (req, res) => {
      const error = await req.sluice
        .transaction(async (client) => {
          await take(client, 1, 30);
          throw new Error('changed my mind');
        })
        .catch((reason: Error) => reason.message);
      res.json({ error });
    };
    expect((await bench.request.get('/work')).body).toEqual({ error: 'changed my mind' });
    expect(await balance(1)).toBe(100);
  });

  it('passes an error of the database on as it is', async () => {
    act = async (req, res) => {
      const error = await req.sluice
        .transaction((client) => take(client, 1, 300))
        .catch((reason: { code: string; constraint: string }) => reason);
      res.json({
        code: error && 'code' in error && error.code,
        constraint: error && 'constraint' in error && error.constraint,
      });
    };
    expect((await bench.request.get('/work')).body).toEqual({ code: '23514', constraint: 'accounts_amount_check' });
    expect(await balance(1)).toBe(100);
  });

  it('fails loudly when the failure of a statement was swallowed, and names it as the cause', async () => {
    act = async (req, res) => {
      const error = await req.sluice
        .transaction(async (client) => {
          await take(client, 2, 10);
          await take(client, 1, 300).catch(() => undefined);
        })
        .catch((reason: Error) => reason);
      res.json(error instanceof Error ? { message: error.message, cause: (error.cause as { code: string }).code } : {});
    };
    expect((await bench.request.get('/work')).body).toEqual({
      message: expect.stringMatching(/rolled back/),
      cause: '23514',
    });
    expect(await balance(2)).toBe(100);
  });

  it('with a savepoint a statement may fail', async () => {
    act = async (req, res) => {
      await req.sluice.transaction(async (client) => {
        await take(client, 2, 10);
        await client.query('SAVEPOINT before');
        await take(client, 1, 300).catch(() => client.query('ROLLBACK TO SAVEPOINT before'));
      });
      res.json({});
    };
    await bench.request.get('/work').expect(200);
    expect([await balance(1), await balance(2)]).toEqual([100, 90]);
  });

  it('is not its own to end: COMMIT in its work is refused, and nothing stays', async () => {
    act = async (req, res) => {
      const error = await req.sluice
        .transaction(async (client) => {
          await take(client, 1, 30);
          await client.query('-- done\ncommit');
        })
        .catch((reason: Error) => reason.name);
      res.json({ error });
    };
    expect((await bench.request.get('/work')).body).toEqual({ error: 'TransactionControlError' });
    expect(await balance(1)).toBe(100);
  });

  it.each([
    'BEGIN; INSERT INTO accounts VALUES (9, 9)',
    'START TRANSACTION',
    'INSERT INTO accounts VALUES (9, 9); COMMIT',
    'ROLLBACK',
  ])('is not for query(): %s is refused, not sent and undone', async (text) => {
    act = async (req, res) => {
      const error = await req.sluice.query(text).catch((reason: Error) => reason);
      res.json({ error: String(error) });
    };
    const { body } = await bench.request.get('/work');
    expect(body.error).toMatch(/^TransactionControlError: query\(\) .* use transaction\(\), .* was not sent$/);
    expect(await balance(9)).toBeNaN();
  });

  it('that query() leaves open, in words that are not seen through, is told of and not believed in', async () => {
    act = async (req, res) => {
      // The reader of texts takes the comment to end before the server does.
      const text = '/* /* /* */ */ */ BEGIN; INSERT INTO accounts VALUES (9, 9)';
      const error = await req.sluice.query(text).catch((reason: Error) => reason);
      res.json({ error: String(error) });
    };
    const { body } = await bench.request.get('/work');
    expect(body.error).toMatch(/^TransactionControlError: a statement of query\(\) left a transaction open/);
    expect(await balance(9)).toBeNaN();
  });

  it('leaves a client behind that is dead', async () => {
    let kept: SluiceClient | undefined;
    act = async (req, res) => {
      await req.sluice.transaction(async (client) => {
        kept = client;
      });
      const error = await kept?.query('DELETE FROM accounts').catch((reason: Error) => reason.message);
      res.json({ error });
    };
    expect((await bench.request.get('/work')).body.error).toMatch(/after it was given back/);
    expect(await balance(1)).toBe(100);
  });

  it('waits for statements that its work did not wait for', async () => {
    act = async (req, res) => {
      await req.sluice.transaction(async (client) => {
        void take(client, 1, 30);
        void take(client, 2, 30);
      });
      res.json({});
    };
    await bench.request.get('/work').expect(200);
    expect([await balance(1), await balance(2)]).toEqual([70, 70]);
  });

  it('honours isolation and read-only', async () => {
    act = async (req, res) => {
      const seen = await req.sluice
        .transaction(
          async (client) => {
            const { rows } = await client.query<{ level: string }>(
              "SELECT current_setting('transaction_isolation') AS level",
            );
            const error = await client.query('DELETE FROM accounts').catch((reason: { code: string }) => reason.code);
            throw Object.assign(new Error('seen'), { level: rows[0]?.level, error });
          },
          { isolation: 'serializable', readOnly: true },
        )
        .catch((reason: { level: string; error: unknown }) => ({ level: reason.level, error: reason.error }));
      res.json(seen);
    };
    const { body } = await bench.request.get('/work');
    expect(body.level).toBe('serializable');
    // Not `database_busy`: it is the transaction that refuses writes, and not the server.
    expect(body.error).toBe('25006');
  });

  it.each<[object, RegExp]>([
    [{ isolation: 'bogus' }, /^TypeError: isolation is "bogus": use "read committed", .* or leave it out$/],
    [{ readOnly: 'yes' }, /^TypeError: readOnly is "yes": use true or false, or leave it out$/],
    [{ readonly: true }, /^TypeError: "readonly" is no option of a transaction: use "readOnly"$/],
  ])('refuses %o, before anything is sent', async (options, told) => {
    act = async (req, res) => {
      const reason = await req.sluice.transaction((client) => take(client, 1, 30), options).catch(String);
      res.json({ reason });
    };
    expect((await bench.request.get('/work')).body.reason).toMatch(told);
    expect(await balance(1)).toBe(100);
  });

  it('takes nothing more once it is to be committed', async () => {
    act = async (req, res) => {
      const late: Promise<unknown>[] = [];
      await req.sluice.transaction(async (client) => {
        await take(client, 1, 30);
        setImmediate(() => late.push(take(client, 2, 30).catch((reason: Error) => reason.message)));
      });
      await until(() => late.length === 1);
      res.json({ late: await late[0] });
    };
    expect((await bench.request.get('/work')).body.late).toMatch(/^this database client was used after/);
    expect([await balance(1), await balance(2)]).toEqual([70, 100]);
  });

  it('is rolled back at its deadline, also while a statement runs that nobody waits for', async () => {
    act = (req) =>
      req.sluice.transaction(async (client) => {
        await take(client, 1, 30);
        void client.query('SELECT pg_sleep(20)').catch(() => undefined);
      });
    const { status, body } = await bench.request.get('/brief');
    expect([status, body.outcome]).toEqual([504, 'rolled_back']);
    await bench.atRest();
    expect(await balance(1)).toBe(100);
  });

  it('is known to be rolled back where its session was lost before it was to be committed', async () => {
    const lost = (): number =>
      bench.gateway.snapshot().pools.find(({ name }) => name === 'main')?.connections?.lost ?? 0;
    act = (req) =>
      req.sluice.transaction(async (client) => {
        await take(client, 1, 30);
        const before = lost();
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        await ask(postgres.url, 'SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
        await until(() => lost() > before);
      });
    const { status, body } = await bench.request.get('/work');
    expect([status, body.code, body.outcome]).toEqual([503, 'connection_lost', 'rolled_back']);
    expect(await balance(1)).toBe(100);
  });

  it('answers a statement that is none with a rejection', async () => {
    act = async (req, res) => {
      const reason = await req.sluice.transaction((client) =>
        (client.query(undefined as unknown as string) as Promise<unknown>).catch(String),
      );
      res.json({ reason });
    };
    expect((await bench.request.get('/work')).body.reason).toMatch(
      /^TypeError: a statement is a string, .* undefined$/,
    );
  });

  it('steered by hand: BEGIN, COMMIT, and what was not committed is gone', async () => {
    act = async (req, res) => {
      const client = await req.sluice.connect();
      await client.query('BEGIN');
      await take(client, 1, 30);
      await client.query('COMMIT');
      await client.query('begin;');
      await take(client, 2, 30);
      client.release();
      res.json({});
    };
    await bench.request.get('/work').expect(200);
    expect([await balance(1), await balance(2)]).toEqual([70, 100]);
  });
});

describe('contention', () => {
  /** Two transactions that read both accounts and each write one: the second to commit cannot be serialised. */
  async function serialisationFailure(handle: (error: unknown) => unknown): Promise<unknown> {
    const read = [latch(), latch()];
    const first = latch();
    let turn = 0;
    act = async (req, res) => {
      const me = turn++;
      try {
        await req.sluice.transaction(
          async (client) => {
            await client.query('SELECT sum(amount) FROM accounts');
            read[me]?.open();
            await Promise.all(read.map(({ promise }) => promise));
            if (me === 1) await first.promise;
            await take(client, me + 1, 10);
          },
          { isolation: 'serializable' },
        );
        first.open();
        res.json({});
      } catch (error) {
        handle(error);
        throw error;
      }
    };
    const [, answer] = await Promise.all([bench.request.get('/work'), bench.request.get('/work')]);
    return answer;
  }

  it('40001 reaches the handler as it is, and the problem handler as 503 rolled_back', async () => {
    const seen: unknown[] = [];
    const before = bench.stats('work').errorsByCode.database_busy;
    const { failed } = bench.stats('work').outcomes;
    const answers = await serialisationFailure((error) => seen.push(error));
    expect(bench.stats('work').errorsByCode.database_busy).toBe(before + 1);
    expect(seen).toEqual([expect.objectContaining({ code: '40001' })]);
    expect(answers).toBeDefined();
    await until(() => bench.stats('work').outcomes.failed === failed + 1);
    expect([await balance(1), await balance(2)].sort()).toEqual([100, 90]);
  });

  it('40P01 reaches the handler as it is, and the problem handler as 503 rolled_back', async () => {
    const codes: unknown[] = [];
    const locked = [latch(), latch()];
    let turn = 0;
    act = async (req, res) => {
      const me = turn++;
      await req.sluice
        .transaction(async (client) => {
          await take(client, me + 1, 1);
          locked[me]?.open();
          await Promise.all(locked.map(({ promise }) => promise));
          await take(client, 2 - me, 1);
        })
        .catch((error: { code: string }) => {
          codes.push(error.code);
          throw error;
        });
      res.json({});
    };
    const answers = await Promise.all([bench.request.get('/work'), bench.request.get('/work')]);
    expect(codes).toEqual(['40P01']);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 503]);
    const refused = answers.find(({ status }) => status === 503);
    expect(refused?.type).toBe('application/problem+json');
    expect(refused?.body).toMatchObject({ code: 'database_busy', outcome: 'rolled_back' });
    expect([await balance(1), await balance(2)]).toEqual([99, 99]);
  });

  it('a lock that is not granted in time is database_busy, with the state named', async () => {
    const held = latch();
    const locked = latch();
    const told: Latch<unknown> = latch<unknown>();
    act = async (req, res) => {
      await req.sluice.transaction(async (client) => {
        await take(client, 1, 1);
        locked.open();
        await held.promise;
      });
      res.json({});
    };
    const holder = bench.request.get('/work').then(({ status }) => status);
    await locked.promise;
    act = async (req) => {
      await req.sluice
        .transaction((client) => take(client, 1, 1))
        .catch((error: unknown) => {
          told.open(error);
          throw error;
        });
    };
    const answer = await bench.request.get('/hasty');
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({
      code: 'database_busy',
      outcome: 'rolled_back',
      measured: { sql_state: '55P03' },
    });
    expect(answer.body.detail).toContain('a lock was not granted in time');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(bench.stats('hasty').errorsByCode.database_busy).toBe(1);
    expect(await told.promise).toMatchObject({ code: 'database_busy', cause: { code: '55P03' } });
    held.open();
    expect(await holder).toBe(200);
  });
});

describe('a statement that commits parts of its work, and fails', () => {
  it.each([
    ['CALL', 'CALL spend_and_fail()'],
    ['DO', 'DO $$ BEGIN UPDATE accounts SET amount = amount - 1 WHERE id = 1; COMMIT; PERFORM 1 / 0; END $$'],
  ])('is told as unknown: %s', async (_, text) => {
    await ask(
      postgres.url,
      `CREATE OR REPLACE PROCEDURE spend_and_fail() LANGUAGE plpgsql AS
       $$ BEGIN UPDATE accounts SET amount = amount - 1 WHERE id = 1; COMMIT; PERFORM 1 / 0; END $$`,
    );
    const amount = async () =>
      (await ask<{ amount: number }>(postgres.url, 'SELECT amount FROM accounts WHERE id = 1'))[0]?.amount;
    const before = Number(await amount());
    act = async (req) => {
      await req.sluice.query(text).catch(() => undefined);
      await req.sluice.query('SELECT pg_sleep(5)');
    };
    const answer = await bench.request.get('/brief');
    expect([answer.status, answer.body.code, answer.body.outcome]).toEqual([504, 'deadline_expired', 'unknown']);
    expect(Number(await amount())).toBe(before - 1);
  });
});

describe('what a caller is told at the deadline', () => {
  it.each([
    ['unknown', 'SELECT spend(10)'],
    ['unknown', 'SELECT 1; UPDATE accounts SET amount = 1'],
    ['unknown', 'SELECT 1 AS one INTO TEMPORARY spent'],
    ['rolled_back', "SELECT count(*) FROM accounts WHERE id IN (1, 2) AND '; commit' <> ''"],
  ])('is %s after %s', async (outcome, text) => {
    await ask(
      postgres.url,
      `CREATE OR REPLACE FUNCTION spend(n int) RETURNS void LANGUAGE sql AS 'UPDATE accounts SET amount = amount - n'`,
    );
    act = async (req) => {
      await req.sluice.query(text);
      await req.sluice.query('SELECT pg_sleep(5)');
    };
    const answer = await bench.request.get('/brief');
    expect([answer.status, answer.body.code, answer.body.outcome]).toEqual([504, 'deadline_expired', outcome]);
  });
});
