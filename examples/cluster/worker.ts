import { createServer } from 'node:http';
import express, { type Express } from 'express';
import { createGateway, type Gateway } from 'sluice';
import { health, metrics, problemHandler, protect } from 'sluice/express';
import { END, giveUp, PrimaryRegistry } from './messages.js';

// One worker: the same application as all others, on its part of the connections.

let ending = false;
/** Set once it serves. */
let drain: (() => Promise<void>) | undefined;
// Before the start, which takes a while: the primary may ask for the end meanwhile.
process.on('message', (message) => {
  if (message === END) void end();
});
process.on('disconnect', () => void end());
// Ctrl-C reaches all of us; the primary, who ends us in order, hears it, too.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

const url = process.env.DATABASE_URL ?? '';
const gateway = await createGateway(
  {
    applicationName: 'sluice-cluster',
    readinessDelayMs: 0,
    pools: {
      // For all workers together, or for the only one that is left.
      quick: { url, max: 24, minIdle: 1 },
      slow: { url, max: 8 },
    },
    routes: {
      product: { pool: 'quick', priority: 'critical', deadlineMs: 2_000 },
      report: { pool: 'slow', priority: 'low', deadlineMs: 60_000 },
    },
  },
  { registry: new PrimaryRegistry() },
).catch(giveUp);
const server = createServer(application(gateway));
drain = () => gateway.drain({ server });
server.once('error', giveUp);
// The primary opens the port, and hands each connection to one of us.
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await drain?.();
  process.exit(0);
}

function application(protectedBy: Gateway<'product' | 'report'>): Express {
  const app = express();
  app.use((_req, res, next) => {
    res.set('X-Worker', String(process.pid));
    next();
  });
  app.use(health(protectedBy));
  app.get('/metrics', metrics(protectedBy));
  app.get('/products', protect(protectedBy, 'product'), async (req, res) => {
    const { rows } = await req.sluice.query('SELECT 1 AS sku, pg_sleep(0.01)');
    res.json(rows);
  });
  app.get('/report', protect(protectedBy, 'report'), async (req, res) => {
    const seconds = Math.min(60, Number(req.query.seconds) || 1);
    await req.sluice.query('SELECT pg_sleep($1)', [seconds]);
    res.json({ seconds });
  });
  app.use(problemHandler());
  return app;
}
