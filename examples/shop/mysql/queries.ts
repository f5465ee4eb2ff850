import type { Product } from '../catalog.js';
import type { ShopQueries } from '../dialect.js';
import type { Order } from '../orders.js';
import type { Queryable } from '../queryable.js';
import type { SalesRow } from '../sales-report.js';
import { checkout } from './checkout.js';

/** A double is a number whatever the url asks for; bigints and decimals may be texts. Days are those of UTC, whatever the time zone of the session. */
const report = (from: string): string => `
select date_format(date '1970-01-01' + interval day_number day, '%Y-%m-%d') as day, orders, quantity, revenueCents
from (
  select floor(unix_timestamp(ordered_at) / 86400) as day_number,
         count(*) + 0e0 as orders,
         sum(quantity) + 0e0 as quantity,
         sum(total_cents) + 0e0 as revenueCents
  from ${from}
  where ordered_at >= now() - interval ? day
  group by 1
) as days
order by day_number`;

const BARE = report('orders');
/** Without the bound a server may leave the question out, or ask it again for every row. */
const WORKING = report('(select sleep(? / 1000) as slept limit 1) as work straight_join orders on slept >= 0');

/** The shop's questions in the language of MySQL and MariaDB. */
export const mysqlQueries: ShopQueries = { checkout, findProduct, salesReport, readOrder };

async function findProduct(db: Queryable, sku: number): Promise<Product | undefined> {
  const text = 'select sku, name, price_cents as priceCents, stock from products where sku = ?';
  const { rows } = await db.query<Product>(text, [sku]);
  return rows[0];
}

async function salesReport(db: Queryable, days: number, workMs = 0): Promise<SalesRow[]> {
  const { rows } = await db.query<SalesRow>(workMs > 0 ? WORKING : BARE, workMs > 0 ? [workMs, days] : [days]);
  return rows;
}

async function readOrder(db: Queryable, id: number): Promise<Order | undefined> {
  const { rows } = await db.query<Omit<Order, 'orderedAt'> & { orderedAtS: number }>(
    `select id + 0e0 as orderId, sku, quantity, total_cents + 0e0 as totalCents,
            cast(unix_timestamp(ordered_at) as double) as orderedAtS
     from orders where id = ?`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { orderedAtS, ...order } = row;
  return { ...order, orderedAt: new Date(Math.round(orderedAtS * 1_000)) };
}
