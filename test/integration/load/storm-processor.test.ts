import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createGateway } from 'sluice';
import { metrics } from 'sluice/express';
import { expect, it, onTestFinished } from 'vitest';
import { busyShare, readSpent } from '../../../examples/storm/processor.js';

async function listen(app: express.Express): Promise<number> {
  const server: Server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const { signal } = new AbortController();

it('reads what a process behind Sluice has spent from its metrics', async () => {
  const gateway = await createGateway({ pools: {}, routes: { open: {} } });
  onTestFinished(() => gateway.drain());
  const port = await listen(express().get('/metrics', metrics(gateway)));
  const { seconds } = await readSpent(port, signal);
  expect(seconds).toBeGreaterThan(0);
  // The metrics tell of this very process, and of nothing else.
  expect(seconds).toBeLessThanOrEqual((process.cpuUsage().user + process.cpuUsage().system) / 1e6);
});

it('says so where the metrics tell nothing of it', async () => {
  const port = await listen(express());
  await expect(readSpent(port, signal)).rejects.toThrow('tell no processor time (status 404)');
});

it('is the share of one core between two readings', () => {
  expect(busyShare({ seconds: 2, atMs: 1_000 }, { seconds: 3.5, atMs: 4_000 })).toBe(0.5);
});
