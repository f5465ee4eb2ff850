import type { Queryable } from './queryable.js';

/** An order as the back office sees it. */
export type Order = {
  orderId: number;
  sku: number;
  quantity: number;
  totalCents: number;
  orderedAt: Date;
};

/** The order with this number, if there is one. */
export async function readOrder(db: Queryable, id: number): Promise<Order | undefined> {
  const { rows } = await db.query<Order>(
    `select id as "orderId", sku, quantity, total_cents::float8 as "totalCents", ordered_at as "orderedAt"
     from orders where id = $1::bigint`,
    [id],
  );
  return rows[0];
}
