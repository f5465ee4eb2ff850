import type { RequestHandler } from 'express';
import type { Pool, PoolClient } from 'pg';

/** The shop's settings that rivals share. */
export interface RivalSettings {
  readonly databaseUrl: string;
  readonly checkoutWorkMs: number;
  readonly reportWorkMs: number;
}

/** Database work that a gate runs, sooner or later, with a connection. */
export type Work<T> = (client: PoolClient) => Promise<T>;

/** What stands between a route of the shop and the database, built from the libraries that people use today. */
export interface RivalGate {
  /** Shown beside the figures. */
  readonly tuning: Readonly<Record<string, number | string>>;
  /** Runs before the body is read. */
  readonly beforeCheckout?: readonly RequestHandler[];
  readonly beforeReport?: readonly RequestHandler[];
  checkout<T>(work: Work<T>): Promise<T>;
  report<T>(work: Work<T>): Promise<T>;
  close(): Promise<void>;
}

/** The gate sheds the request; answered with 503 and the code. */
export class Shed extends Error {
  override readonly name = 'Shed';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Connections of checkout and of reports: the same for every rival, and for Sluice. */
export const CHECKOUT_CONNECTIONS = 16;
/** See {@link CHECKOUT_CONNECTIONS}. */
export const REPORT_CONNECTIONS = 4;
/** After so long the caller of a checkout has left, in milliseconds. */
export const CHECKOUT_DEADLINE_MS = 500;

/** Runs work on a connection of a pool. */
export async function withClient<T>(pool: Pool, work: Work<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}
