import express from 'express';
import { createGateway, type Gateway } from 'sluice';
import { problemDetails, problemHandler, protect } from 'sluice/express';
import supertest from 'supertest';
import { afterEach, beforeEach, expect, test } from 'vitest';

let gateway: Gateway<'dry'>;

beforeEach(async () => {
  gateway = await createGateway({ routes: { dry: { ratePerSecond: 0.001, burst: 1 } } }, { env: {} });
});
afterEach(() => gateway.drain({ timeoutMs: 0 }));

/** The refusal of an empty bucket, as one gets it who sends these headers. */
async function refusal(maySee: Parameters<typeof problemDetails>[0], headers: Record<string, string> = {}) {
  const app = express();
  app.use(problemDetails(maySee));
  app.get(
    '/',
    protect(gateway, 'dry', {}, (_req, res) => res.json('done')),
  );
  app.use(problemHandler());
  const request = supertest(app);
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

test('a check that fails says no', async () => {
  const { body } = await refusal(() => {
    throw new Error('no session');
  });
  expect(body.measured).toBeUndefined();
  expect(body.detail).toBeUndefined();
});

test('asks for a check', () => {
  expect(() => problemDetails(undefined as unknown as () => boolean)).toThrow(/problemDetails\(\) needs/);
});
