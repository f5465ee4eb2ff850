import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareDatabase } from '../../../examples/shop/database.js';
import { type PostgresServer, startShopPostgres } from '../../support/postgres.js';

let server: PostgresServer;
let url = '';
let databases = 0;

beforeAll(async () => {
  server = await startShopPostgres({ settings: { fsync: 'off', max_connections: '20' } });
});
afterAll(() => server.close());
beforeEach(() => {
  databases += 1;
  url = urlOf(`shop ${databases}`);
});

/** A database that is the shop's already: a copy, which takes a fraction of the time. */
async function createFilled(): Promise<void> {
  await ask(urlOf('template1'), `create database "shop ${databases}" template postgres`);
}

function urlOf(database: string, user?: string): string {
  const made = new URL(server.url);
  made.pathname = `/${encodeURIComponent(database)}`;
  if (user !== undefined) made.username = user;
  return made.href;
}

async function ask<Row extends pg.QueryResultRow>(target: string, ...statements: string[]): Promise<Row[]> {
  const client = new pg.Client(target);
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const statement of statements) rows = (await client.query<Row>(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

describe('the database of the shop', () => {
  it('is created where it does not exist, and filled as the contract says', async () => {
    expect(await prepareDatabase(url)).toBe('seeded');
    const [facts] = await ask(
      url,
      `select (select count(*)::int from products) as products,
              (select count(*)::int from products where stock = 1000000) as full_stocks,
              count(*)::int as orders,
              count(distinct (ordered_at at time zone 'UTC')::date)::int as days,
              min(ordered_at) > now() - interval '366 days' as within_a_year,
              max(ordered_at) <= now() as none_in_the_future
       from orders`,
    );
    expect(facts).toEqual({
      products: 1_000,
      full_stocks: 1_000,
      orders: 200_000,
      days: expect.toSatisfy((days: number) => days === 365 || days === 366),
      within_a_year: true,
      none_in_the_future: true,
    });
  });

  it('has an index by date, and no parallel query', async () => {
    await prepareDatabase(url);
    const report = "select sum(total_cents) from orders where ordered_at > now() - interval '30 days'";
    const cheap = 'set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0';
    const plan = await ask<{ 'QUERY PLAN': string }>(url, `explain ${report}`);
    expect(plan.map((row) => row['QUERY PLAN']).join()).toContain('orders_ordered_at');
    const [setting] = await ask(url, 'show max_parallel_workers_per_gather');
    expect(setting).toEqual({ max_parallel_workers_per_gather: '0' });
    const all = 'explain select sum(total_cents) from orders';
    const tempted = await ask<{ 'QUERY PLAN': string }>(url, cheap, 'set max_parallel_workers_per_gather = 4', all);
    expect(tempted.map((row) => row['QUERY PLAN']).join()).not.toContain('Gather');
  });

  it('is filled once, however many shops start on it at once', async () => {
    const found = await Promise.all(Array.from({ length: 5 }, () => prepareDatabase(url)));
    expect(found.toSorted()).toEqual(['reused', 'reused', 'reused', 'reused', 'seeded']);
    expect(await ask(url, 'select count(*)::int as orders from orders')).toEqual([{ orders: 200_000 }]);
  });

  it('is filled where it exists and is empty, and keeps what it holds at the next start', async () => {
    await ask(server.url, `create database "shop ${databases}"`);
    expect(await prepareDatabase(url)).toBe('seeded');
    await ask(url, 'update products set stock = 7 where sku = 1');
    expect(await prepareDatabase(url)).toBe('reused');
    expect(await ask(url, 'select stock from products where sku = 1')).toEqual([{ stock: 7 }]);
  });

  it('does not mind the tables of an extension', async () => {
    await ask(server.url, `create database "shop ${databases}"`);
    // Whatever extension is at hand: a relation that belongs to one is all that counts.
    await ask(url, 'create table helper (id int)', 'create view seen as select 1 as one');
    await ask(url, 'alter extension plpgsql add table helper', 'alter extension plpgsql add view seen');
    expect(await prepareDatabase(url)).toBe('seeded');
  });

  const foreign: [title: string, statements: string[], named: RegExp][] = [
    ['a table of somebody else', ['create table customers (id int)'], /"public\.customers"/],
    ['a view', ['create view customers as select 1 as id'], /"public\.customers"/],
    ['a table in another schema', ['create schema crm', 'create table crm.leads (id int)'], /"crm\.leads"/],
    [
      'tables with the same names',
      ['create table orders (id int)', 'create table products (id int)'],
      /"public\.orders"/,
    ],
  ];
  it.each([
    ['another column', 'alter table products add column weight integer', /"public\.products"/],
    ['one column less', 'alter table orders drop column idempotency_key', /"public\.orders"/],
    ['a column of another type', 'alter table shop_meta alter column version type text', /"public\.shop_meta"/],
    ['a view in place of a table', 'drop table shop_meta; create view shop_meta as select 1 as version', /shop_meta/],
  ])('is refused with %s in tables of the same names, in the words of the shop', async (_title, statement, named) => {
    await createFilled();
    await ask(url, statement);
    const refusal: unknown = await prepareDatabase(url).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'DatabaseRefused', message: expect.stringMatching(named) });
    expect(refusal).toMatchObject({ message: expect.stringMatching(/that are not the shop's .* empty database/) });
  });

  it.each(foreign)('is refused with %s in it, untouched', async (_title, statements, named) => {
    await ask(server.url, `create database "shop ${databases}"`);
    const list = "select count(*)::int as n from pg_class where relnamespace::regnamespace::text in ('public', 'crm')";
    await ask(url, ...statements);
    const before = await ask(url, list);
    const refusal = await prepareDatabase(url).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'DatabaseRefused', message: expect.stringMatching(named) });
    expect(refusal).toMatchObject({ message: expect.stringContaining('give the shop an empty database') });
    expect(await ask(url, list)).toEqual(before);
  });

  it('is refused when somebody added a table to the shop, or it is of another version', async () => {
    await createFilled();
    await ask(url, 'update shop_meta set version = 99');
    await expect(prepareDatabase(url)).rejects.toThrow(/version 99 .* needs version 1/);
    await ask(url, 'update shop_meta set version = 1', 'create table notes (id int)');
    await expect(prepareDatabase(url)).rejects.toThrow(/"public\.notes"/);
  });

  it('names missing rights, and never the password', async () => {
    const password = new URL(server.url).password;
    await ask(server.url, `create role guest login password '${password}'`);
    const name = `shop ${databases}`;
    await expect(prepareDatabase(urlOf(name, 'guest'))).rejects.toMatchObject({
      name: 'DatabaseRefused',
      message: expect.stringMatching(/"shop \d+" does not exist and cannot be created: permission denied/),
    });
    await ask(server.url, `create database "${name}"`);
    const refused = await prepareDatabase(urlOf(name, 'guest')).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ name: 'DatabaseRefused', message: expect.stringContaining('42501') });
    const stranger = await prepareDatabase(urlOf(name, 'nobody')).catch((error: unknown) => error as Error);
    expect(stranger).toMatchObject({ name: 'DatabaseRefused', message: expect.stringContaining('nobody') });
    expect(String(stranger)).not.toContain(password);
  });

  it('needs no more than the right to create tables', async () => {
    const password = new URL(server.url).password;
    const name = `shop ${databases}`;
    await ask(server.url, `create role tenant login password '${password}'`, `create database "${name}"`);
    await ask(url, 'grant create on schema public to tenant');
    expect(await prepareDatabase(urlOf(name, 'tenant'))).toBe('seeded');
  });

  it('tells a server that cannot be reached from one that refuses', async () => {
    await server.stop();
    await expect(prepareDatabase(url)).rejects.toMatchObject({ name: 'DatabaseUnavailable' });
    await server.start();
    expect(await prepareDatabase(url)).toBe('seeded');
  });
});
