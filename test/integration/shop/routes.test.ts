import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES, type RunningShop, startShop } from './shop-harness.js';

// Nothing of the shop may depend on the engine.
describe.each(ENGINES)('on %s', (engine) => {
  let running: RunningShop;
  const post = (body: object) => running.request.post('/checkout').send(body);
  const stockOf = async (sku: number): Promise<number | undefined> =>
    (await running.sql<{ stock: number }>('select stock from products where sku = $1', [sku]))[0]?.stock;

  beforeAll(async () => {
    // Thirty at once for one product wait for each other: on a busy machine for longer than a customer would.
    running = await startShop(engine, { env: { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '10000' } });
  });
  afterAll(() => running.close());

  describe('POST /checkout', () => {
    it('takes the stock and writes the order in one transaction', async () => {
      const before = await stockOf(7);
      const answer = await post({ sku: 7, quantity: 3 }).expect(201);
      expect(answer.body).toEqual({ orderId: expect.any(Number) });
      expect(await stockOf(7)).toBe((before ?? 0) - 3);
      const [order] = await running.sql(
        'select o.sku, o.quantity, cast(o.total_cents - p.price_cents * 3 as char) as unpaid from orders o join products p using (sku) where o.id = $1',
        [answer.body.orderId],
      );
      expect(order).toEqual({ sku: 7, quantity: 3, unpaid: '0' });
    });

    it.each([1_001, 3_000_000_000, Number.MAX_SAFE_INTEGER])('404 for the unknown product %d', async (sku) => {
      const answer = await post({ sku, quantity: 1 }).expect(404);
      expect(answer.type).toBe('application/problem+json');
      expect(answer.body).toMatchObject({ status: 404, detail: 'There is no product with this sku.' });
    });

    it.each([1_000_001, 3_000_000_000, Number.MAX_SAFE_INTEGER])(
      '409 for %d of what there is less of',
      async (quantity) => {
        const before = await stockOf(8);
        const answer = await post({ sku: 8, quantity }).expect(409);
        expect(answer.type).toBe('application/problem+json');
        expect(await stockOf(8)).toBe(before);
      },
    );

    it('sells the last piece once', async () => {
      await running.sql('update products set stock = 5 where sku = 9');
      const answers = await Promise.all(Array.from({ length: 12 }, () => post({ sku: 9, quantity: 1 })));
      expect(answers.map((answer) => answer.status).toSorted()).toEqual([...Array(5).fill(201), ...Array(7).fill(409)]);
      expect(await stockOf(9)).toBe(0);
    });
  });

  describe('Idempotency-Key', () => {
    const keyed = (key: string, body: object) => post(body).set('Idempotency-Key', key);
    const ordersWith = (key: string) =>
      running.sql('select sku, quantity from orders where idempotency_key = $1', [key]);

    it('gives the same order again, and takes the stock once', async () => {
      const before = await stockOf(20);
      const first = await keyed('again', { sku: 20, quantity: 2 }).expect(201);
      const second = await keyed('again', { quantity: 2, sku: 20 }).expect(201);
      expect(second.body).toEqual(first.body);
      expect(first.headers['idempotent-replayed']).toBeUndefined();
      expect(second.headers['idempotent-replayed']).toBe('true');
      expect(await stockOf(20)).toBe((before ?? 0) - 2);
    });

    it('gives the same order to all who send it at once', async () => {
      const before = await stockOf(21);
      const answers = await Promise.all(Array.from({ length: 30 }, () => keyed('at once', { sku: 21, quantity: 1 })));
      expect(answers.map((answer) => answer.status)).toEqual(Array(30).fill(201));
      expect(new Set(answers.map((answer) => answer.body.orderId)).size).toBe(1);
      expect(await ordersWith('at once')).toHaveLength(1);
      expect(await stockOf(21)).toBe((before ?? 0) - 1);
    });

    it('stays a replay after the last piece is gone', async () => {
      await running.sql('update products set stock = 1 where sku = 22');
      const answers = await Promise.all(Array.from({ length: 10 }, () => keyed('last', { sku: 22, quantity: 1 })));
      expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201));
      expect(new Set(answers.map((answer) => answer.body.orderId)).size).toBe(1);
      expect(await stockOf(22)).toBe(0);
    });

    it('is refused with 422 for another order, whoever comes first', async () => {
      await keyed('other', { sku: 23, quantity: 1 }).expect(201);
      const answer = await keyed('other', { sku: 23, quantity: 2 }).expect(422);
      expect(answer.type).toBe('application/problem+json');
      const before = [await stockOf(24), await stockOf(25)];
      const raced = await Promise.all([24, 25].map((sku) => keyed('raced', { sku, quantity: 1 })));
      expect(raced.map((each) => each.status).toSorted()).toEqual([201, 422]);
      const after = [await stockOf(24), await stockOf(25)];
      expect((before[0] ?? 0) + (before[1] ?? 0) - (after[0] ?? 0) - (after[1] ?? 0)).toBe(1);
    });

    it('remembers nothing of what was refused', async () => {
      await keyed('refused', { sku: 5_000, quantity: 1 }).expect(404);
      await keyed('refused', { sku: 26, quantity: 1 }).expect(201);
    });

    it.each(['', 'x'.repeat(256), 'ü'])('is refused with 400 where it is %j', async (key) => {
      const answer = await keyed(key, { sku: 1, quantity: 1 }).expect(400);
      expect(answer.body.detail).toContain('Idempotency-Key');
    });
  });

  describe('bad input', () => {
    const orders: [title: string, body: unknown][] = [
      ['nothing', {}],
      ['no quantity', { sku: 1 }],
      ['no sku', { quantity: 1 }],
      ['a list', [{ sku: 1, quantity: 1 }]],
      ['a text', { sku: '1', quantity: 1 }],
      ['a fraction', { sku: 1, quantity: 1.5 }],
      ['zero', { sku: 1, quantity: 0 }],
      ['less than zero', { sku: 1, quantity: -1 }],
      ['more than a number can hold exactly', { sku: 1, quantity: 2 ** 53 }],
      ['null', { sku: null, quantity: 1 }],
      ['an object', { sku: { valueOf: 1 }, quantity: 1 }],
      ['truth', { sku: true, quantity: true }],
      ['a field from the prototype', JSON.parse('{"__proto__":{"sku":1},"quantity":1}')],
    ];
    it.each(orders)('400 for an order with %s', async (_title, body) => {
      const answer = await post(body as object).expect(400);
      expect(answer.type).toBe('application/problem+json');
      expect(answer.body).toMatchObject({ status: 400, detail: expect.any(String) });
    });

    const bodies: [title: string, type: string, body: string, status: number][] = [
      ['malformed JSON', 'application/json', '{"sku":1,', 400],
      ['a JSON text that is no object', 'application/json', '"sku"', 400],
      ['no body', 'application/json', '', 400],
      ['a form', 'application/x-www-form-urlencoded', 'sku=1&quantity=1', 400],
      ['more than 32 kB', 'application/json', JSON.stringify({ sku: 1, quantity: 1, note: 'x'.repeat(33_000) }), 413],
      ['an unknown character set', 'application/json; charset=ebcdic', '{"sku":1,"quantity":1}', 415],
    ];
    it.each(bodies)('%s', async (_title, type, body, status) => {
      const answer = await running.request.post('/checkout').set('Content-Type', type).send(body).expect(status);
      expect(answer.type).toBe('application/problem+json');
      expect(answer.body).toMatchObject({ status });
    });

    it.each(['0', '-1', '366', 'abc', '1.5', '', '1e1', '999999999999', '30;drop', '1&days=2'])(
      '400 for a report over %j days',
      async (days) => {
        const answer = await running.request.get(`/reports/sales?days=${days}`).expect(400);
        expect(answer.body.detail).toContain('1 to 365');
      },
    );

    it.each([
      '/products/1001',
      '/products/abc',
      '/products/0',
      '/products/-1',
      '/products/99999999999999999999',
      '/admin/orders/0',
    ])('404 for %s', async (path) => {
      const answer = await running.request.get(path).expect(404);
      expect(answer.type).toBe('application/problem+json');
    });

    it.each([
      ['/checkout', 'POST, OPTIONS'],
      ['/products/1', 'GET, HEAD, OPTIONS'],
      ['/reports/sales', 'GET, HEAD, OPTIONS'],
      ['/admin/orders/1', 'GET, HEAD, OPTIONS'],
    ])('OPTIONS %s tells what can be done there', async (path, allow) => {
      const arrived = (): number =>
        running.shop.gateway.snapshot().routes.reduce((sum, route) => sum + route.arrived, 0);
      const before = arrived();
      await running.request.options(path).expect(204).expect('Allow', allow);
      expect(arrived()).toBe(before);
      await running.request.options(`${path}/nothing`).expect(404);
    });

    it('404 for what is not there, 400 for a path that cannot be read', async () => {
      for (const path of ['/nothing', '/', '/checkout']) {
        const answer = await running.request.get(path).expect(404);
        expect(answer.body).toMatchObject({ status: 404 });
      }
      const answer = await running.request.get('/products/%E0%A4%A').expect(400);
      expect(answer.type).toBe('application/problem+json');
    });
  });

  describe('reading', () => {
    it('GET /products/:sku', async () => {
      const answer = await running.request.get('/products/500').expect(200);
      expect(answer.body).toEqual({ sku: 500, name: 'Product 500', priceCents: expect.any(Number), stock: 1_000_000 });
    });

    it('GET /reports/sales adds up the orders of the days', async () => {
      const { body } = await running.request.get('/reports/sales?days=30').expect(200);
      expect(body.days).toBe(30);
      expect(body.rows.length).toBeGreaterThanOrEqual(30);
      const [sum] = await running.sql<{ orders: number; revenue: number }>(
        "select count(*)::int as orders, sum(total_cents)::float8 as revenue from orders where ordered_at >= now() - interval '30 days'",
      );
      const add = (field: string): number =>
        body.rows.reduce((total: number, row: Record<string, number>) => total + (row[field] ?? 0), 0);
      expect(add('orders')).toBeCloseTo(sum?.orders ?? 0, -1);
      expect(Math.abs(add('revenueCents') - (sum?.revenue ?? 0))).toBeLessThan(100_000);
      expect(body.rows[0]).toEqual({
        day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        orders: expect.any(Number),
        quantity: expect.any(Number),
        revenueCents: expect.any(Number),
      });
    });

    it.each(['days[]=1', 'days[a]=1'])('400 for a report with ?%s, which is meant as days', async (query) => {
      await running.request.get(`/reports/sales?${query}`).expect(400);
    });

    it('GET /reports/sales covers 30 days where nobody says', async () => {
      const { body } = await running.request.get('/reports/sales').expect(200);
      expect(body.days).toBe(30);
    });

    it('GET /admin/orders/:id', async () => {
      const placed = await post({ sku: 30, quantity: 2 }).expect(201);
      const answer = await running.request.get(`/admin/orders/${placed.body.orderId}`).expect(200);
      expect(answer.body).toEqual({
        orderId: placed.body.orderId,
        sku: 30,
        quantity: 2,
        totalCents: expect.any(Number),
        orderedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      });
      await running.request.get('/admin/orders/1').expect(200);
      await running.request.get('/admin/orders/999999999').expect(404);
    });
  });

  describe('operations', () => {
    it.each(['/healthz', '/readyz'])('GET %s is 200', async (path) => {
      await running.request.get(path).expect(200);
    });

    it('GET /metrics is Prometheus text that counts the routes', async () => {
      await running.request.get('/products/1').expect(200);
      const answer = await running.request.get('/metrics').expect(200);
      expect(answer.type).toBe('text/plain');
      expect(answer.text).toMatch(/^# TYPE sluice_/m);
      expect(answer.text).toMatch(/^sluice_.*route="product".* [1-9]/m);
    });

    it('GET /sluice is a page, open to everybody', async () => {
      const answer = await running.request.get('/sluice').expect(200);
      expect(answer.type).toBe('text/html');
    });
  });
});
