import { SCHEMA_VERSION, TABLES } from '../schema.js';

/** The columns of {@link TABLES} in the words of {@link LIST_COLUMNS}. */
export const COLUMNS: readonly string[] = [
  'orders.id int',
  'orders.idempotency_key varchar',
  'orders.ordered_at timestamp',
  'orders.quantity int',
  'orders.sku int',
  'orders.total_cents bigint',
  'products.name varchar',
  'products.price_cents int',
  'products.sku int',
  'products.stock int',
  'shop_meta.version int',
];

/** Tables that are being filled have this before their name: what a start that was cut off has left is none of theirs. */
export const UNFINISHED = 'shop_unfinished_';

const unfinished = (table: string): string => `${UNFINISHED}${table}`;

/** A column `n` from 0 to 199,999: neither server makes a long series of its own without being told to. */
const digit = (name: string, count: number): string =>
  `(${Array.from({ length: count }, (_, n) => `select ${n} as ${name}`).join(' union all ')}) as digits_${name}`;
const SERIES = `(select a + 10 * b + 100 * c + 1000 * d + 10000 * e as n
  from ${digit('a', 10)} join ${digit('b', 10)} join ${digit('c', 10)} join ${digit('d', 10)} join ${digit('e', 20)}) as series`;

/**
 * Creates and fills the tables under other names, and gives all of them their own at once: these servers cannot undo what
 * makes a table. The index and the foreign key come after the rows, which is much faster than row by row.
 */
export const CREATE_AND_SEED: readonly string[] = [
  // The rows are made to fit; to look at each of them again would take longer than to make them.
  'set foreign_key_checks = 0, unique_checks = 0',
  ...TABLES.map((table) => `drop table if exists ${unfinished(table)}`),
  `create table ${unfinished('products')} (
    sku int not null primary key,
    name varchar(200) not null,
    price_cents int not null check (price_cents > 0),
    stock int not null check (stock >= 0)
  ) engine = innodb default charset = utf8mb4`,
  `insert into ${unfinished('products')} (sku, name, price_cents, stock)
   select 1 + n, concat('Product ', 1 + n), 100 + (1 + n) * 37 % 9900, 1000000 from ${SERIES} where n < 1000`,
  `create table ${unfinished('orders')} (
    id int not null auto_increment primary key,
    sku int not null,
    quantity int not null check (quantity > 0),
    total_cents bigint not null,
    ordered_at timestamp(3) not null default current_timestamp(3),
    idempotency_key varchar(255) character set ascii collate ascii_bin
  ) engine = innodb default charset = utf8mb4`,
  `insert into ${unfinished('orders')} (sku, quantity, total_cents, ordered_at)
   select p.sku, 1 + (1 + n) % 3, p.price_cents * (1 + (1 + n) % 3),
          now(3) - interval floor(365 * 86400 * ((200000 - (1 + n) + 0.5) / 200000)) second
   from ${SERIES} join ${unfinished('products')} p on p.sku = 1 + (1 + n) * 7919 % 1000
   order by n`,
  `alter table ${unfinished('orders')}
   add index orders_ordered_at (ordered_at),
   add unique index orders_idempotency_key (idempotency_key),
   add foreign key (sku) references ${unfinished('products')} (sku)`,
  `create table ${unfinished('shop_meta')} (version int not null) engine = innodb`,
  `insert into ${unfinished('shop_meta')} values (${SCHEMA_VERSION})`,
  `analyze table ${unfinished('products')}, ${unfinished('orders')}`,
  `rename table ${TABLES.map((table) => `${unfinished(table)} to ${table}`).join(', ')}`,
];

/** Tables and views of the database. */
export const LIST_TABLES = 'select table_name as name from information_schema.tables where table_schema = database()';

/** The columns of all of them. */
export const LIST_COLUMNS = `
select table_name as \`table\`, concat(table_name, '.', column_name, ' ', data_type) as \`column\`
from information_schema.columns where table_schema = database()`;
