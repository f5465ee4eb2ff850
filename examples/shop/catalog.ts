import type { Queryable } from './queryable.js';

/** A product as the catalogue shows it. */
export type Product = {
  sku: number;
  name: string;
  priceCents: number;
  stock: number;
};

/** The product with this number, if there is one. */
export async function findProduct(db: Queryable, sku: number): Promise<Product | undefined> {
  const { rows } = await db.query<Product>(
    'select sku, name, price_cents as "priceCents", stock from products where sku = $1::bigint',
    [sku],
  );
  return rows[0];
}
