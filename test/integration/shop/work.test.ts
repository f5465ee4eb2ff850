import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES, type RunningShop, startShop } from './shop-harness.js';

// Nothing of the shop may depend on the engine.
describe.each(ENGINES)('on %s', (engine) => {
  let running: RunningShop;

  beforeAll(async () => {
    running = await startShop(engine, {
      checkoutWorkMs: 1_500,
      reportWorkMs: 300,
      env: { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '10000' },
    });
  });
  afterAll(() => running.close());

  describe('extra work', () => {
    it('of a checkout is spent in the database before any row is locked', async () => {
      const answer = running.request.post('/checkout').send({ sku: 1, quantity: 1 }).then();
      while ((await running.database.asleep()) !== 1) await new Promise(setImmediate);
      // Fails at once where the row is locked.
      await running.sql('select stock from products where sku = 1 for update nowait');
      expect(await running.database.asleep()).toBe(1);
      expect((await answer).status).toBe(201);
    });

    it('is done by every kind of checkout, once', async () => {
      const startedAtMs = performance.now();
      const orders = [
        running.request.post('/checkout').send({ sku: 2, quantity: 1 }),
        running.request.post('/checkout').send({ sku: 2, quantity: 1 }).set('Idempotency-Key', 'work'),
        running.request.post('/checkout').send({ sku: 2, quantity: 1 }).set('Idempotency-Key', 'work'),
      ];
      const answers = await Promise.all(orders);
      const tookMs = performance.now() - startedAtMs;
      expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201]);
      expect(tookMs).toBeGreaterThan(1_450);
      expect(tookMs).toBeLessThan(2_900);
      expect(await running.sql('select stock from products where sku = 2')).toEqual([{ stock: 999_998 }]);
    });

    it('of a report is spent in its statement', async () => {
      const startedAtMs = performance.now();
      const { body } = await running.request.get('/reports/sales?days=3').expect(200);
      expect(performance.now() - startedAtMs).toBeGreaterThan(295);
      expect(body.rows.length).toBeGreaterThanOrEqual(3);
    });
  });
});
