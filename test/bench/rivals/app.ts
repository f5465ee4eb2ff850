import express, { type ErrorRequestHandler, type Express } from 'express';
import type { PoolClient } from 'pg';
import { placeOrder } from '../../../examples/shop/checkout.js';
import { salesReport } from '../../../examples/shop/sales-report.js';
import { type RivalGate, type RivalSettings, Shed } from './gate.js';

/** The two routes of the shop that the load uses, with the shop's own SQL, behind a rival's gate. */
export function rivalApp(gate: RivalGate, settings: RivalSettings): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.post('/checkout', ...(gate.beforeCheckout ?? []), express.json({ limit: '32kb' }), async (request, response) => {
    const { sku, quantity } = request.body as { sku: number; quantity: number };
    const placed = await gate.checkout((client) =>
      transaction(client, () => placeOrder(client, { sku, quantity }, settings.checkoutWorkMs)),
    );
    if (placed.kind === 'placed') response.status(201).json({ orderId: placed.orderId });
    else response.status(409).json({ code: placed.kind });
  });
  app.get('/reports/sales', ...(gate.beforeReport ?? []), async (request, response) => {
    const days = Number(request.query.days);
    const rows = await gate.report((client) => salesReport(client, days, settings.reportWorkMs));
    response.json({ days, rows });
  });
  app.use(answerError);
  return app;
}

async function transaction<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

const answerError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const shed = error instanceof Shed;
  response.status(shed ? 503 : 500).json({ code: shed ? error.code : 'failed' });
};
