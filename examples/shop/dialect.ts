import { findProduct, type Product } from './catalog.js';
import { type Checkout, checkout, type OrderInput } from './checkout.js';
import { mysqlQueries } from './mysql/queries.js';
import { type Order, readOrder } from './orders.js';
import type { Queryable, Transactional } from './queryable.js';
import { type SalesRow, salesReport } from './sales-report.js';

/** What the shop asks of its database, in the language of one engine. */
export interface ShopQueries {
  /** One checkout: a transaction, and for the rare replay that overtook its original a look at what that one did. */
  checkout(db: Transactional, input: OrderInput, workMs?: number): Promise<Checkout>;
  /** The product with this number, if there is one. */
  findProduct(db: Queryable, sku: number): Promise<Product | undefined>;
  /** The sales of the last `days` days, day by day. */
  salesReport(db: Queryable, days: number, workMs?: number): Promise<SalesRow[]>;
  /** The order with this number, if there is one. */
  readOrder(db: Queryable, id: number): Promise<Order | undefined>;
}

/** Whether a URL leads to MySQL or MariaDB rather than to PostgreSQL. */
export function isMysql(url: string): boolean {
  return /^(?:mysql|mariadb):\/\//i.test(url);
}

/** The shop's questions, as the database at `url` understands them. */
export function queriesFor(url: string): ShopQueries {
  return isMysql(url) ? mysqlQueries : { checkout, findProduct, salesReport, readOrder };
}
