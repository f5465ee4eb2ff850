import { startPostgres } from '../../../examples/support/postgres-server.js';
import { type CostBar, measureCost } from '../pool-cost/measure-cost.js';
import type { Section } from '../section.js';
import { DATABASE_SETTINGS } from '../support/database.js';

const BARS: readonly CostBar[] = [
  { name: 'text', text: 'a single query against a bare client', bound: 1.25 },
  { name: 'bound', text: 'a single query with parameters against a bare client', bound: 1.25 },
  { name: 'transaction', text: 'a transaction against a bare one', bound: 1.1 },
  { name: 'borrow', text: 'connect and release against SELECT 1', bound: 0.25 },
];

/** What a statement costs through Sluice, limits on the server and protection from late cancels included. */
export const poolCost: Section = {
  name: 'pool-cost',
  about: 'a query, a transaction and a borrow through Sluice against a bare client, one at a time',
  async run(context) {
    const server = await startPostgres({ settings: DATABASE_SETTINGS });
    try {
      return await measureCost(context, { url: server.url, where: '', bars: BARS });
    } finally {
      await server.close();
    }
  },
};
