import type { Request } from 'express';
import { HttpProblem } from 'sluice/express';
import type { OrderInput } from './checkout.js';

/** Printable ASCII: whatever fits into a header on every path between client and server. */
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

const MAX_DAYS = 365;

/**
 * The order that a request asks for.
 *
 * @throws HttpProblem 400 that names the field and what it may be.
 */
export function readOrderInput(req: Request): OrderInput {
  const body: unknown = req.body;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpProblem(
      400,
      'The body must be a JSON object such as {"sku":1,"quantity":1}, sent as application/json.',
    );
  }
  const sku = positiveInteger('sku' in body ? body.sku : undefined, 'sku');
  const quantity = positiveInteger('quantity' in body ? body.quantity : undefined, 'quantity');
  const key = req.get('idempotency-key')?.trim();
  if (key === undefined) return { sku, quantity };
  if (!IDEMPOTENCY_KEY.test(key)) {
    throw new HttpProblem(400, 'The header Idempotency-Key must be 1 to 255 printable ASCII characters.');
  }
  return { sku, quantity, idempotencyKey: key };
}

/**
 * The number of days that a report covers: 30 where the request does not say.
 *
 * @throws HttpProblem 400 for anything but a whole number from 1 to 365.
 */
export function readDays(req: Request): number {
  const text = req.query.days;
  // `days[]=1` has another name to the parser, and is meant as the same parameter.
  const misspelt = Object.keys(req.query).some((name) => name.startsWith('days['));
  if (text === undefined && !misspelt) return 30;
  const days = typeof text === 'string' && /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > MAX_DAYS) {
    throw new HttpProblem(400, `The parameter days must be one whole number from 1 to ${MAX_DAYS}.`);
  }
  return days;
}

/** A number from the path; `undefined` for what can be no number of anything, which is simply not found. */
export function readNumber(text: unknown): number | undefined {
  return typeof text === 'string' && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

function positiveInteger(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw new HttpProblem(400, `The field ${field} must be a whole number, at least 1.`);
}
