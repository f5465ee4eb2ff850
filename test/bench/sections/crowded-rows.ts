import pg from 'pg';

/** Tables for work that crowds: one row that everybody wants, a stock, and figures to add up. */
export async function prepareRows(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('create table counters (id int primary key, hits bigint not null) with (fillfactor = 10)');
    await client.query('insert into counters values (1, 0)');
    await client.query('create table stock (sku int primary key, quantity int not null) with (fillfactor = 50)');
    await client.query('insert into stock select sku, 1000000 from generate_series(1, 1000) sku');
    await client.query(
      'create table sold (id bigserial primary key, sku int not null, day int not null, price int not null)',
    );
    await client.query(
      'insert into sold (sku, day, price) select n % 1000 + 1, n % 365, n % 97 from generate_series(1, 150000) n',
    );
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}

/** Takes away what the last run has written: dead versions of a hot row make each run slower than the one before. */
export async function tidyRows(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('vacuum (full, analyze) counters');
    await client.query('delete from sold where id > 150000');
    await client.query('vacuum analyze stock, sold');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}
