import express from 'express';
import { createGateway, type Gateway, ImplicitCommitError, type SluiceClient, TransactionControlError } from 'sluice';
import { problemHandler, protect } from 'sluice/express';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import { LogBook, latch } from '../http/harness.js';
import { until } from '../pools/pool-fixture.js';

// On MySQL and MariaDB many statements commit what came before them. What was committed is never called rolled back.

let mariadb: MariadbServer;
let gateway: Gateway;
let next = 0;

beforeAll(async () => {
  mariadb = await startMariadb();
  await mariadb.ask("CREATE USER app IDENTIFIED BY 'app'");
  await mariadb.ask('GRANT ALL ON app.* TO app');
  await mariadb.ask('CREATE TABLE ledger (entry int PRIMARY KEY) ENGINE = InnoDB');
  await mariadb.ask('CREATE TABLE aside (n int) ENGINE = InnoDB');
  await mariadb.ask('CREATE TABLE amounts (id int PRIMARY KEY, amount int NOT NULL) ENGINE = InnoDB');
  await mariadb.ask('INSERT INTO amounts VALUES (1, 0), (2, 0)');
  await mariadb.ask('CREATE PROCEDURE commits() COMMIT');
  await mariadb.ask('CREATE PROCEDURE tells() BEGIN SELECT 1 AS one; COMMIT; SELECT 2 AS two; END');
  await mariadb.ask('CREATE PROCEDURE goes_on() BEGIN COMMIT; START TRANSACTION; END');
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      pools: { main: { url: `mysql://app:app@127.0.0.1:${mariadb.port}/app`, max: 2 } },
      routes: { work: { pool: 'main', deadlineMs: 20_000 }, brief: { pool: 'main', deadlineMs: 1_000 } },
    },
    { env: {}, logger: new LogBook() },
  );
});
// Every session that was lent is fit for the next borrower.
afterEach(async () => {
  const { rows } = await gateway.run('work', (handle) => handle.query('SELECT @@in_transaction AS open'));
  expect(rows).toEqual([{ open: 0 }]);
});
afterAll(async () => {
  await gateway.drain({ timeoutMs: 0 });
  await mariadb.close();
});

interface Told {
  readonly error: unknown;
  /** Whether what was written before `work` is there. */
  readonly kept: boolean;
}

const ledger = async (entry: number): Promise<boolean> =>
  (await mariadb.ask('SELECT 1 FROM ledger WHERE entry = ?', [entry])).length === 1;

/** Writes an entry, then does `work`, in one transaction. */
async function told(work: (client: SluiceClient) => Promise<unknown>, route = 'work'): Promise<Told> {
  next += 1;
  const entry = next;
  const error: unknown = await gateway
    .run(route, (handle) =>
      handle.transaction(async (client) => {
        await client.query('INSERT INTO ledger VALUES (?)', [entry]);
        await work(client);
      }),
    )
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  return { error, kept: await ledger(entry) };
}

describe('a statement that commits by the way', () => {
  it.each([
    'TRUNCATE aside',
    'CREATE TABLE IF NOT EXISTS aside (n int)',
    'DROP TABLE IF EXISTS nobody',
    'ANALYZE TABLE aside',
    'LOCK TABLES ledger WRITE',
    'GRANT SELECT ON mysql.user TO app',
    'CALL commits()',
    'CALL tells()',
    "SET PASSWORD = PASSWORD('app')",
    "EXECUTE IMMEDIATE 'COMMIT'",
    '/*!99999 SELECT 1 FROM */ TRUNCATE aside',
  ])('%s: ends the transaction with an error that says so, and nothing follows in it', async (text) => {
    const later = next + 1_000;
    const { error, kept } = await told(async (client) => {
      const ended = client.query(text).catch((reason: unknown) => reason);
      // Sent without waiting, it is in line behind the other.
      const queued = client.query('INSERT INTO ledger VALUES (?)', [later]).catch((reason: unknown) => reason);
      expect(await ended).toBeInstanceOf(ImplicitCommitError);
      expect(await queued).toBeInstanceOf(ImplicitCommitError);
    });
    expect(error).toBeInstanceOf(ImplicitCommitError);
    expect(error).toMatchObject({ outcome: 'unknown' });
    expect(kept).toBe(true);
    expect(await ledger(later)).toBe(false);
  });

  it('is answered over HTTP with a code of its own', async () => {
    const seen: unknown[] = [];
    const app = express();
    const work = (req: express.Request): Promise<unknown> =>
      req.sluice.transaction(async (client) => {
        await client.query('INSERT INTO ledger VALUES (900)');
        await client.query('TRUNCATE aside');
      });
    app.post(
      '/',
      protect(gateway, 'work', {}, (req) => work(req)),
    );
    app.use(problemHandler({ onError: (error) => seen.push(error) }));
    const answer = await supertest(app).post('/');
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ code: 'implicit_commit', outcome: 'unknown' });
    expect(seen).toEqual([expect.any(ImplicitCommitError)]);
    expect(await ledger(900)).toBe(true);
  });

  it('is not run again with its transaction', async () => {
    let runs = 0;
    const ended = gateway.run('work', (handle) =>
      handle.transaction(
        async (client) => {
          runs += 1;
          await client.query('TRUNCATE aside');
        },
        { retry: true },
      ),
    );
    await expect(ended).rejects.toBeInstanceOf(ImplicitCommitError);
    expect(runs).toBe(1);
  });

  it('leaves alone what only looks like one', async () => {
    const { error, kept } = await told(async (client) => {
      await client.query('CREATE TEMPORARY TABLE own (n int)');
      await client.query('SET @a = 1');
      await client.query('SAVEPOINT here');
      await client.query('INSERT INTO own VALUES (1)');
      await client.query('ROLLBACK TO here');
      expect((await client.query('SHOW WARNINGS')).command).toBe('SHOW');
      throw new Error('back');
    });
    expect(String(error)).toBe('Error: back');
    expect(kept).toBe(false);
  });

  it('may still be used on a connection whose transactions the handler steers', async () => {
    await gateway.run('work', async (handle) => {
      const client = await handle.connect();
      await client.query('BEGIN');
      await client.query('TRUNCATE aside');
      await client.query('INSERT INTO aside VALUES (1)');
      await client.query('COMMIT');
      client.release();
    });
    expect(await mariadb.ask('SELECT n FROM aside')).toEqual([{ n: 1 }]);
  });
});

describe('the outcome of a transaction that is stopped', () => {
  const sleep = (client: SluiceClient): Promise<unknown> => client.query('SELECT SLEEP(30)');

  it('is that it was rolled back where nothing can have committed', async () => {
    const { error, kept } = await told(sleep, 'brief');
    expect(error).toMatchObject({ code: 'deadline_expired', outcome: 'rolled_back' });
    expect(kept).toBe(false);
  });

  it('is unknown after a procedure, which may have committed and gone on', async () => {
    const { error, kept } = await told(async (client) => {
      await client.query('CALL goes_on()');
      await sleep(client);
    }, 'brief');
    expect(error).toMatchObject({ code: 'deadline_expired', outcome: 'unknown' });
    expect(kept).toBe(true);
  });

  it('is unknown while a statement is under way that may commit', async () => {
    const { error } = await gateway.run('work', (handle) =>
      handle.transaction(async (client) => {
        await client.query('INSERT INTO aside VALUES (2)');
        return await told((blocked) => blocked.query('TRUNCATE aside'), 'brief');
      }),
    );
    expect(error).toMatchObject({ code: 'deadline_expired', outcome: 'unknown' });
  });

  it('is unknown when its connection dies under such a statement', async () => {
    const { error, kept } = await told(async (client) => {
      const { rows } = await client.query<{ id: number }>('SELECT CONNECTION_ID() AS id');
      const [row] = rows;
      const ended = client.query("EXECUTE IMMEDIATE 'DO SLEEP(30)'");
      void ended.catch(() => undefined);
      await until(async () => {
        const running = await mariadb.ask(
          "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ? AND STATE = 'User sleep'",
          [row?.id],
        );
        return running.length === 1;
      });
      await mariadb.ask(`KILL ${row?.id}`);
      await ended;
    });
    expect(error).toMatchObject({ code: 'connection_lost', outcome: 'unknown' });
    expect(kept).toBe(false);
  });

  it('is no reason for another try when it met a conflict after a procedure', async () => {
    const locked = [latch(), latch()];
    const runs = [0, 0];
    const run = (me: 0 | 1) =>
      gateway.run('work', (handle) =>
        handle.transaction(
          async (client) => {
            runs[me] = (runs[me] ?? 0) + 1;
            await client.query('CALL goes_on()');
            await client.query('UPDATE amounts SET amount = amount + 1 WHERE id = ?', [me + 1]);
            locked[me]?.open();
            await Promise.all(locked.map(({ promise }) => promise));
            await client.query('UPDATE amounts SET amount = amount + 1 WHERE id = ?', [2 - me]);
          },
          { retry: true },
        ),
      );
    const ended = await Promise.allSettled([run(0), run(1)]);
    expect(runs).toEqual([1, 1]);
    const failed = ended.filter((each) => each.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason).toBeInstanceOf(ImplicitCommitError);
    expect(failed[0]?.reason).toMatchObject({ cause: { errno: 1213 } });
  });
});

describe('what ends a transaction in a disguise', () => {
  it.each(['/*!COMMIT*/', '/*!50000 COMMIT*/', '/*M! COMMIT */', '#c\nCOMMIT', 'SET autocommit = 1'])(
    '%j is not sent',
    async (text) => {
      const { error, kept } = await told((client) => client.query(text));
      expect(error).toBeInstanceOf(TransactionControlError);
      expect(kept).toBe(false);
    },
  );
});
