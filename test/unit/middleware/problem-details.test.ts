import express, { type Request } from 'express';
import { createGateway, type Gateway } from 'sluice';
import { problemDetails, problemHandler, protect } from 'sluice/express';
import supertest from 'supertest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogBook } from '../../integration/http/harness.js';

let gateway: Gateway<'dry'>;
let log: LogBook;

const fails = (): never => {
  throw new TypeError('no session');
};

beforeEach(async () => {
  log = new LogBook();
  gateway = await createGateway({ routes: { dry: { ratePerSecond: 0.001, burst: 1 } } }, { env: {}, logger: log });
});
afterEach(() => gateway.drain({ timeoutMs: 0 }));

/** The refusal of an empty bucket, as one gets it who sends these headers. */
async function refusal(maySee: (req: Request) => unknown, headers: Record<string, string> = {}) {
  const app = express();
  app.use(problemDetails(maySee as Parameters<typeof problemDetails>[0]));
  app.get(
    '/',
    protect(gateway, 'dry', {}, (_req, res) => res.json('done')),
  );
  app.use(problemHandler());
  const request = supertest(app);
  await request.get('/');
  await request.get('/');
  return request.get('/').set(headers);
}

test('outsiders learn what happened and when to come back, and nothing that was measured', async () => {
  const { status, body, headers } = await refusal((req) => req.headers['x-staff'] === 'yes');
  expect(status).toBe(429);
  expect(body).toEqual({
    type: 'urn:sluice:problem:rate_limited',
    title: 'Too many requests',
    status: 429,
    code: 'rate_limited',
    outcome: 'not_started',
    retry_after_ms: expect.any(Number),
  });
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
});

test('those who may see get all of it', async () => {
  const { body } = await refusal((req) => req.headers['x-staff'] === 'yes', { 'x-staff': 'yes' });
  expect(body.detail).toMatch(/faster than 0.001 per second/);
  expect(body.measured).toMatchObject({ stage: 'arrival', route: 'dry', burst: 1, passes_in_ms: expect.any(Number) });
});

test.each([
  ['throws', fails, 'threw TypeError'],
  ['rejects', async () => fails(), 'returned a promise'],
  ['answers later', async () => true, 'returned a promise'],
  ['answers neither yes nor no', () => 'yes', 'returned a value of type string'],
])('a check that %s says no, and the log says so once', async (_what, maySee, found) => {
  const { body } = await refusal(maySee);
  expect(body.code).toBe('rate_limited');
  expect(body.measured).toBeUndefined();
  expect(body.detail).toBeUndefined();
  expect(log.of('may_see_unusable')).toEqual([
    expect.stringContaining(`problemDetails() ${found}: return true or false`),
  ]);
  expect(JSON.stringify(log.entries)).not.toContain('no session');
});

test('asks for a check', () => {
  expect(() => problemDetails(undefined as unknown as () => boolean)).toThrow(/problemDetails\(\) needs/);
});
