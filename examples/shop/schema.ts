/** Counts as the shop's own only with this version in `shop_meta`. */
export const SCHEMA_VERSION = 1;

/** Every table of the shop. */
export const TABLES: readonly string[] = ['orders', 'products', 'shop_meta'];

/** Their columns in the words of {@link LIST_COLUMNS}: tables of somebody else may have the same names. */
export const COLUMNS: readonly string[] = [
  'orders.id integer',
  'orders.idempotency_key text',
  'orders.ordered_at timestamp with time zone',
  'orders.quantity integer',
  'orders.sku integer',
  'orders.total_cents bigint',
  'products.name text',
  'products.price_cents integer',
  'products.sku integer',
  'products.stock integer',
  'shop_meta.version integer',
];

/**
 * Creates and fills the tables; run as a whole inside one transaction.
 *
 * `fillfactor` leaves room on each page for the stock updates. `parallel_workers = 0` keeps every plan on `orders`
 * serial, also where the database's own settings cannot be changed. The foreign key comes after the rows, which is
 * ten times faster than checking them one by one.
 */
export const CREATE_AND_SEED: string = `
create table products (
  sku integer primary key,
  name text not null,
  price_cents integer not null check (price_cents > 0),
  stock integer not null check (stock >= 0)
) with (fillfactor = 50);

insert into products (sku, name, price_cents, stock)
select sku, 'Product ' || sku, 100 + sku * 37 % 9900, 1000000
from generate_series(1, 1000) as sku;

create table orders (
  id integer generated always as identity primary key,
  sku integer not null,
  quantity integer not null check (quantity > 0),
  total_cents bigint not null,
  ordered_at timestamptz not null default now(),
  idempotency_key text
) with (parallel_workers = 0);

insert into orders (sku, quantity, total_cents, ordered_at)
select p.sku, 1 + n % 3, p.price_cents * (1 + n % 3), now() - interval '365 days' * ((200000 - n + 0.5) / 200000)
from generate_series(1, 200000) as n
join products p on p.sku = 1 + n::bigint * 7919 % 1000
order by n;

create index orders_ordered_at on orders (ordered_at);
create unique index orders_idempotency_key on orders (idempotency_key) where idempotency_key is not null;
alter table orders add foreign key (sku) references products;

create table shop_meta (version integer not null);
insert into shop_meta values (${SCHEMA_VERSION});
analyze products, orders;
`;

/** Relations that somebody created, those of extensions aside. */
export const LIST_RELATIONS = `
select n.nspname as schema, c.relname as name
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'm', 'v')
  and n.nspname <> 'information_schema'
  and n.nspname not like 'pg\\_%'
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 1, 2
`;

/** The columns of the tables named in `$1`; needs no rights on them. */
export const LIST_COLUMNS = `
select c.relname as table, c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) as column
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname = any ($1)
`;
