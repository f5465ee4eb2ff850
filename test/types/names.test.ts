import { describe, expect, it } from 'vitest';
import { faultsOf } from './documents.js';

const GATEWAY = `
import express from 'express';
import { createGateway } from 'sluice';
import { operations, protect, routeTable } from 'sluice/express';
const gateway = await createGateway({
  pools: { shop: { max: 2 }, reports: { max: 1 } },
  routes: { checkout: { pool: 'shop' }, salesReport: { pool: 'reports', priority: 'low' } },
});
void [express, operations, protect, routeTable, gateway];
`;

/** Each line as it is right, one that is wrong, and what the compiler names in that. */
const LINES: readonly (readonly [right: string, wrong: string, named: string])[] = [
  ["protect(gateway, 'checkout');", "protect(gateway, 'chekout');", '"chekout"'],
  ["protect(gateway, 'checkout', {}, () => {});", "protect(gateway, 'shop', {}, () => {});", '"shop"'],
  [
    "protect(gateway, 'checkout', { body: express.json() });",
    "protect(gateway, 'checkout', { body: 'json' });",
    "'string'",
  ],
  [
    "await gateway.run('salesReport', async () => 1);",
    "await gateway.run('salesreport', async () => 1);",
    '"salesreport"',
  ],
  [
    "await gateway.runInChunks<number>('checkout', async () => undefined);",
    "await gateway.runInChunks<number>('reports', async () => undefined);",
    '"reports"',
  ],
  ["routeTable(gateway, { 'GET /a': 'checkout' });", "routeTable(gateway, { 'GET /a': 'chekout' });", '"chekout"'],
  [
    "createGateway({ pools: { shop: {} }, routes: { a: { pool: 'shop' } } });",
    "createGateway({ pools: { shop: {} }, routes: { a: { pool: 'shoop' } } });",
    '"shoop"',
  ],
  [
    "createGateway({ pools: { shop: {}, r: { yieldsTo: 'shop' } }, routes: { a: {} } });",
    "createGateway({ pools: { shop: {}, r: { yieldsTo: 'shopp' } }, routes: { a: {} } });",
    '"shopp"',
  ],
  [
    'createGateway({ routes: { a: { concurrency: 5 } } });',
    "createGateway({ routes: { a: { pool: 'shop' } } });",
    "'string'",
  ],
  ["await gateway.rotate('shop', { password: 'x' });", "await gateway.rotate('zz', { password: 'x' });", '"zz"'],
  ["gateway.recycle('reports');", "gateway.recycle('report');", '"report"'],
  [
    "createGateway({ routes: { a: { priority: 'critical' } } });",
    "createGateway({ routes: { a: { priority: 'urgent' } } });",
    '"urgent"',
  ],
  [
    'createGateway({ routes: { a: { deadlineMs: 5 } } });',
    'createGateway({ routes: { a: { deadline: 5 } } });',
    "'deadline'",
  ],
  ['operations(gateway, { public: true });', 'operations(gateway, {});', "'{}'"],
  [
    'operations(gateway, { authorize: async () => true, allowChanges: true });',
    'operations(gateway, { public: true, allowChanges: true });',
    "'allowChanges'",
  ],
  [
    'operations(gateway, { authorize: () => true });',
    'operations(gateway, { authorize: () => true, public: true });',
    "'public'",
  ],
  [
    "gateway.run('checkout', (handle) => handle.transaction(async () => 1, { retry: true }));",
    "gateway.run('checkout', (handle) => handle.transaction(async () => 1, { retry: 'yes' }));",
    "'string'",
  ],
];

describe('a name that is wrong', () => {
  it('does not compile, and the right one does', () => {
    const faults = faultsOf(LINES.flatMap(([right, wrong]) => [GATEWAY + right, GATEWAY + wrong]));
    LINES.forEach(([right, wrong, named], index) => {
      expect([right, faults[2 * index]]).toEqual([right, []]);
      expect([wrong, faults[2 * index + 1]]).toEqual([wrong, [expect.stringContaining(named)]]);
    });
  });
});
