import type { Queryable } from './queryable.js';

/** The sales of one day (UTC). */
export type SalesRow = {
  day: string;
  orders: number;
  quantity: number;
  revenueCents: number;
};

const report = (from: string): string => `
select to_char(ordered_at at time zone 'UTC', 'YYYY-MM-DD') as day,
       count(*)::int as orders,
       sum(quantity)::int as quantity,
       sum(total_cents)::float8 as "revenueCents"
from ${from}
where ordered_at >= now() - make_interval(days => $1::int)
group by 1
order by 1`;

const BARE = report('orders');
const WORKING = report('(select pg_sleep($2::float8 / 1000) offset 0) as work, orders');

/**
 * Adds up the sales of the last `days` days.
 *
 * @param workMs - Extra database time in the same statement, in milliseconds.
 */
export async function salesReport(db: Queryable, days: number, workMs = 0): Promise<SalesRow[]> {
  const { rows } = await db.query<SalesRow>(workMs > 0 ? WORKING : BARE, workMs > 0 ? [days, workMs] : [days]);
  return rows;
}
