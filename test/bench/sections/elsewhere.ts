import { measureGoodput } from '../goodput/measure-goodput.js';
import { type CostBar, measureCost } from '../pool-cost/measure-cost.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import type { ShopDatabase } from '../support/database.js';
import { startMariadbDatabase } from '../support/mariadb-database.js';
import { startPooledDatabase } from '../support/pooled-database.js';

const MARIADB_BARS: readonly CostBar[] = [
  { name: 'text', text: 'a single query against a bare client', bound: 1.3 },
  { name: 'bound', text: 'a single query with parameters against a bare client', bound: 1.3 },
];

/** The same bars where the database is reached in another way, or is another one. */
export const pgbouncer: Section = {
  name: 'pgbouncer',
  about: 'goodput at 2 and 5 times the capacity, and the cost of a query, through PgBouncer',
  async run(context) {
    const database = await startPooledDatabase(context.signal);
    // There a statement sets its own limit, which its session cannot keep, and nothing was promised of what that costs.
    return measureThere(context, database, { where: ' through PgBouncer', costUrl: database.pooledUrl, bars: [] });
  },
};

/** The same on another engine. */
export const mariadb: Section = {
  name: 'mariadb',
  about: 'the same on MariaDB',
  async run(context) {
    const database = await startMariadbDatabase(context.signal);
    return measureThere(context, database, { where: ' on MariaDB', costUrl: database.url, bars: MARIADB_BARS });
  },
};

interface There {
  readonly where: string;
  readonly costUrl: string;
  readonly bars: readonly CostBar[];
}

/** Measures the cost first, while nobody has worked on the server yet, then goodput. Ends the database. */
async function measureThere(
  context: BenchContext,
  database: ShopDatabase,
  { where, costUrl, bars }: There,
): Promise<SectionResult> {
  try {
    const cost = await measureCost(context, { url: costUrl, where, bars });
    const goodput = await measureGoodput(context, { database, where, against: 'nobody' });
    return {
      conditions: { ...goodput.conditions, costRounds: cost.conditions.rounds ?? 0 },
      tables: [...goodput.tables, ...cost.tables],
      checks: [...goodput.checks, ...cost.checks],
      data: { goodput: goodput.data, cost: cost.data },
    };
  } finally {
    await database.close();
  }
}
