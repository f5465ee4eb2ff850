import { expect, it } from 'vitest';
import { show } from '../../../examples/pgbouncer/show.js';
import { startPgbouncer } from '../../support/pgbouncer-server.js';
import { startPostgres } from '../../support/postgres.js';

it('PGB-6 SEG-10: lets an administrator in at once while the pool through the pooler is full', async () => {
  const postgres = await startPostgres({ settings: { fsync: 'off' } });
  try {
    const { answered, adminMs, clients } = await show(postgres, startPgbouncer);
    expect(clients).toBe(4);
    expect(answered).toBeGreaterThan(4);
    expect(adminMs).toBeLessThan(1_000);
  } finally {
    await postgres.close();
  }
});
