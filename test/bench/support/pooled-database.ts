import { type BenchDatabase, startDatabase } from './database.js';
import { pooledEnvironment, startPooler } from './pooler.js';

/** The connections of each pool of the shop, and of the pooler for it. */
const SIZES = { checkout: 16, catalog: 8, reports: 4, admin: 2 } as const;

/** The shop's database on PostgreSQL, with its pools led through PgBouncer in transaction mode. */
export async function startPooledDatabase(
  signal: AbortSignal,
): Promise<BenchDatabase & { readonly pooledUrl: string }> {
  const database = await startDatabase(signal);
  try {
    const pooler = await startPooler(database.url, SIZES);
    const env = pooledEnvironment(database.url, SIZES, pooler);
    return {
      ...database,
      env,
      pooledUrl: env.SLUICE_POOL_CHECKOUT_URL ?? '',
      close: async () => {
        await pooler.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
