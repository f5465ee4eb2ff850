import { describe, expect, it } from 'vitest';
import { faultsOf } from './documents.js';

const GATEWAY = `
import { createGateway } from 'sluice';
import { operations, protect, routeTable } from 'sluice/express';
const gateway = await createGateway({
  pools: { shop: { max: 2 }, reports: { max: 1 } },
  routes: { checkout: { pool: 'shop' }, salesReport: { pool: 'reports', priority: 'low' } },
});
void [operations, protect, routeTable, gateway];
`;

/** Each line with the names as they are, and with one that is wrong. */
const LINES: readonly (readonly [right: string, wrong: string])[] = [
  ["protect(gateway, 'checkout');", "protect(gateway, 'chekout');"],
  ["protect(gateway, 'checkout', {}, () => {});", "protect(gateway, 'shop', {}, () => {});"],
  ["await gateway.run('salesReport', async () => 1);", "await gateway.run('salesreport', async () => 1);"],
  [
    "await gateway.runInChunks<number>('checkout', async () => undefined);",
    "await gateway.runInChunks<number>('reports', async () => undefined);",
  ],
  ["routeTable(gateway, { 'GET /a': 'checkout' });", "routeTable(gateway, { 'GET /a': 'chekout' });"],
  [
    "createGateway({ pools: { shop: {} }, routes: { a: { pool: 'shop' } } });",
    "createGateway({ pools: { shop: {} }, routes: { a: { pool: 'shoop' } } });",
  ],
  [
    "createGateway({ pools: { shop: {}, r: { yieldsTo: 'shop' } }, routes: { a: {} } });",
    "createGateway({ pools: { shop: {}, r: { yieldsTo: 'shopp' } }, routes: { a: {} } });",
  ],
  ['createGateway({ routes: { a: { concurrency: 5 } } });', "createGateway({ routes: { a: { pool: 'shop' } } });"],
  ["await gateway.rotate('shop', { password: 'x' });", "await gateway.rotate('zz', { password: 'x' });"],
  ["gateway.recycle('reports');", "gateway.recycle('report');"],
  [
    "createGateway({ routes: { a: { priority: 'critical' } } });",
    "createGateway({ routes: { a: { priority: 'urgent' } } });",
  ],
  ['createGateway({ routes: { a: { deadlineMs: 5 } } });', 'createGateway({ routes: { a: { deadline: 5 } } });'],
  ['operations(gateway, { public: true });', 'operations(gateway, {});'],
  [
    'operations(gateway, { authorize: async () => true, allowChanges: true });',
    'operations(gateway, { public: true, allowChanges: true });',
  ],
  ['operations(gateway, { authorize: () => true });', 'operations(gateway, { authorize: () => true, public: true });'],
  [
    "gateway.run('checkout', (handle) => handle.transaction(async () => 1, { retry: true }));",
    "gateway.run('checkout', (handle) => handle.transaction(async () => 1, { retry: 'yes' }));",
  ],
];

describe('a name that is wrong', () => {
  it('does not compile, and the right one does', { timeout: 60_000 }, () => {
    const faults = faultsOf(LINES.flatMap((pair) => pair.map((line) => GATEWAY + line)));
    LINES.forEach(([right, wrong], index) => {
      expect([right, faults[2 * index]]).toEqual([right, []]);
      expect([wrong, faults[2 * index + 1]?.length]).toEqual([wrong, 1]);
    });
  });
});
