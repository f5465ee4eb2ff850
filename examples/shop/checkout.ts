import type { Queryable, Transactional } from './queryable.js';

/** What a customer wants. */
export interface OrderInput {
  readonly sku: number;
  readonly quantity: number;
  /** The same key gives the same order, however often and however concurrently it is sent. */
  readonly idempotencyKey?: string | undefined;
}

/** How a checkout ended. */
export type Checkout =
  | { readonly kind: 'placed' | 'replayed'; readonly orderId: number }
  | { readonly kind: 'unknown_product' | 'out_of_stock' | 'key_reused' };

/** The key was taken while this transaction ran: it must roll back, and then the order can be looked up. */
export class KeyTaken extends Error {
  override readonly name = 'KeyTaken';
}

/** One checkout: a transaction, and for the rare replay that overtook its original a look at what that one did. */
export async function checkout(db: Transactional, input: OrderInput, workMs = 0): Promise<Checkout> {
  try {
    return await db.transaction((tx) => placeOrder(tx, input, workMs));
  } catch (error) {
    if (!(error instanceof KeyTaken)) throw error;
    return findOrder(db, input);
  }
}

/** Where the extra work comes first, the update is joined to it, so that no row is locked while it lasts. */
const sold = (work: boolean, condition: string): string => `
${work ? 'with work as materialized (select pg_sleep($4::float8 / 1000)), sold as (' : 'with sold as ('}
  update products set stock = stock - $2::bigint ${work ? 'from work' : ''}
  where sku = $1::bigint and stock >= $2::bigint ${condition}
  returning sku, price_cents * $2::bigint as total_cents
)`;

const insert = 'insert into orders (sku, quantity, total_cents, idempotency_key)';

const placeSql = (work: boolean): string =>
  `${sold(work, '')} ${insert} select sku, $2::bigint, total_cents, $3::text from sold returning id`;

const placeOnceSql = (work: boolean): string => `
${sold(work, 'and not exists (select from orders where idempotency_key = $3)')}, placed as (
  ${insert} select sku, $2::bigint, total_cents, $3::text from sold
  on conflict (idempotency_key) where idempotency_key is not null do nothing
  returning id
)
select (select id from placed) as id, exists (select from sold) as sold`;

/** Of the columns of numbers. */
export const LARGEST_INTEGER: number = 2 ** 31 - 1;

const PLACE = { bare: placeSql(false), working: placeSql(true) };
const PLACE_ONCE = { bare: placeOnceSql(false), working: placeOnceSql(true) };

/**
 * Takes the stock and writes the order in one statement, to be run inside a transaction. Every transaction locks the
 * product first and the key second, so two of them cannot wait for each other.
 *
 * @param workMs - Extra database time before the stock is touched, in milliseconds.
 * @throws {@link KeyTaken}: roll back, then ask {@link findOrder}.
 */
export async function placeOrder(tx: Queryable, input: OrderInput, workMs = 0): Promise<Checkout> {
  const { sku, quantity, idempotencyKey } = input;
  // No stock holds that many, and the planner would stumble over the number before it compares.
  if (quantity > LARGEST_INTEGER) return findOrder(tx, input);
  const text = (idempotencyKey === undefined ? PLACE : PLACE_ONCE)[workMs > 0 ? 'working' : 'bare'];
  const values: unknown[] = [sku, quantity, idempotencyKey ?? null];
  if (workMs > 0) values.push(workMs);
  const { rows } = await tx.query<{ id: number | null; sold?: boolean }>(text, values);
  const row = rows[0];
  if (row?.id != null) return { kind: 'placed', orderId: row.id };
  if (row?.sold === true) throw new KeyTaken('an order with this Idempotency-Key was placed a moment ago');
  return findOrder(tx, input);
}

/** Why no order could be placed now, or which one was placed before: the key comes first, so that a replay stays one. */
export async function findOrder(db: Queryable, input: OrderInput): Promise<Checkout> {
  const { rows } = await db.query<{ product: boolean; id: number | null; same: boolean | null }>(
    `select exists (select from products where sku = $1::bigint) as product, o.id,
            o.sku = $1::bigint and o.quantity = $2::bigint as same
     from (select) as one left join orders o on o.idempotency_key = $3::text`,
    [input.sku, input.quantity, input.idempotencyKey ?? null],
  );
  const row = rows[0];
  if (row?.id != null) return row.same === true ? { kind: 'replayed', orderId: row.id } : { kind: 'key_reused' };
  return { kind: row?.product === true ? 'out_of_stock' : 'unknown_product' };
}
