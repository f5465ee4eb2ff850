import express, { type Express } from 'express';
import type { Gateway } from 'sluice';
import { HttpProblem, limitedBody, protect } from 'sluice/express';
import type { Checkout } from './checkout.js';
import { queriesFor, type ShopQueries } from './dialect.js';
import { readDays, readNumber, readOrderInput } from './input.js';

/** A checkout takes a few dozen. */
const BODY_BYTES = 32 * 1_024;

/** Extra database time for load experiments, in milliseconds. */
export interface Work {
  readonly checkoutWorkMs: number;
  readonly reportWorkMs: number;
}

/**
 * Adds the shop's four routes, each behind its guard.
 *
 * @param shop - In the language of the database. Default: that of PostgreSQL.
 */
export function addRoutes(
  app: Express,
  gateway: Gateway,
  work: Work,
  shop: ShopQueries = queriesFor('postgres://'),
): void {
  app.post(
    '/checkout',
    protect(
      gateway,
      'checkout',
      { body: limitedBody(BODY_BYTES, express.json({ limit: BODY_BYTES })) },
      async (req, res) => {
        const result = await shop.checkout(req.sluice, readOrderInput(req), work.checkoutWorkMs);
        if (result.kind !== 'placed' && result.kind !== 'replayed') throw refusalOf(result.kind);
        if (result.kind === 'replayed') res.set('Idempotent-Replayed', 'true');
        res.status(201).json({ orderId: result.orderId });
      },
    ),
  );

  app.get(
    '/products/:sku',
    protect(gateway, 'product', {}, async (req, res) => {
      const sku = readNumber(req.params.sku);
      const product = sku === undefined ? undefined : await shop.findProduct(req.sluice, sku);
      if (product === undefined) throw new HttpProblem(404, 'There is no product with this sku.');
      res.json(product);
    }),
  );

  app.get(
    '/reports/sales',
    protect(gateway, 'salesReport', {}, async (req, res) => {
      const days = readDays(req);
      res.json({ days, rows: await shop.salesReport(req.sluice, days, work.reportWorkMs) });
    }),
  );

  app.get(
    '/admin/orders/:id',
    protect(gateway, 'adminOrder', {}, async (req, res) => {
      const id = readNumber(req.params.id);
      const order = id === undefined ? undefined : await shop.readOrder(req.sluice, id);
      if (order === undefined) throw new HttpProblem(404, 'There is no order with this number.');
      res.json(order);
    }),
  );

  tellMethods(app, '/checkout', 'POST, OPTIONS');
  for (const path of ['/products/:sku', '/reports/sales', '/admin/orders/:id']) {
    tellMethods(app, path, 'GET, HEAD, OPTIONS');
  }
}

/** What each path can do, for those who ask it: the guards let OPTIONS pass. */
function tellMethods(app: Express, path: string, allow: string): void {
  app.options(path, (_req, res) => res.status(204).set('Allow', allow).end());
}

function refusalOf(kind: Exclude<Checkout['kind'], 'placed' | 'replayed'>): HttpProblem {
  switch (kind) {
    case 'unknown_product':
      return new HttpProblem(404, 'There is no product with this sku.');
    case 'out_of_stock':
      return new HttpProblem(409, 'There is not enough of this product in stock.');
    case 'key_reused':
      return new HttpProblem(422, 'This Idempotency-Key belongs to an order with another sku or quantity.');
  }
}
