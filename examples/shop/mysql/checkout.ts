import { type Checkout, KeyTaken, LARGEST_INTEGER, type OrderInput } from '../checkout.js';
import type { Queryable, Transactional } from '../queryable.js';

const SELL = 'update products set stock = stock - ? where sku = ? and stock >= ?';
const ORDER = `
insert into orders (sku, quantity, total_cents, idempotency_key)
select sku, ?, price_cents * ?, ? from products where sku = ?`;

/** One of the server's own errors: this key is in the table already. */
const DUPLICATE = 1062;

/** As the checkout on PostgreSQL, in one statement more: nothing here returns what it has changed. */
export async function checkout(db: Transactional, input: OrderInput, workMs = 0): Promise<Checkout> {
  try {
    return await db.transaction((tx) => placeOrder(tx, input, workMs));
  } catch (error) {
    if (!(error instanceof KeyTaken)) throw error;
    return findOrder(db, input);
  }
}

/**
 * Every transaction locks the product first and the key second, so two of them cannot wait for each other. That the key
 * is taken shows when it is written: to look for it first would lock the gap in which it is missing, and two that have
 * done so would wait for each other.
 */
async function placeOrder(tx: Queryable, input: OrderInput, workMs: number): Promise<Checkout> {
  const { sku, quantity, idempotencyKey } = input;
  if (workMs > 0) await tx.query('do sleep(? / 1000)', [workMs]);
  // No stock holds that many.
  if (quantity > LARGEST_INTEGER) return findOrder(tx, input);
  const sold = await tx.query(SELL, [quantity, sku, quantity]);
  if (sold.rowCount !== 1) return findOrder(tx, input);
  const { insertId } = await tx
    .query(ORDER, [quantity, quantity, idempotencyKey ?? null, sku])
    .catch((error: unknown) => {
      if (!isDuplicate(error)) throw error;
      throw new KeyTaken('an order with this Idempotency-Key was placed before', { cause: error });
    });
  if (insertId === undefined) throw new Error('the server gave the order no number');
  return { kind: 'placed', orderId: insertId };
}

/** Why no order could be placed now, or which one was placed before: the key comes first, so that a replay stays one. */
async function findOrder(db: Queryable, input: OrderInput): Promise<Checkout> {
  const { rows } = await db.query<{ product: number; id: number | null; same: number | null }>(
    `select exists (select 1 from products where sku = ?) + 0e0 as product, o.id + 0e0 as id,
            (o.sku = ? and o.quantity = ?) + 0e0 as same
     from (select 1 as one) as one left join orders o on o.idempotency_key = ?`,
    [input.sku, input.sku, input.quantity, input.idempotencyKey ?? null],
  );
  const row = rows[0];
  if (row?.id != null) return row.same === 1 ? { kind: 'replayed', orderId: row.id } : { kind: 'key_reused' };
  return { kind: row?.product === 1 ? 'out_of_stock' : 'unknown_product' };
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && error.errno === DUPLICATE;
}
