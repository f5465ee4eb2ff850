import type pg from 'pg';
import { KEEPALIVE_DELAY_MS } from './keepalive.js';
import { presetOption } from './pg-client.js';
import { sqlStateOf } from './pg-errors.js';

/**
 * A server that works on a statement sees only at its end that its client is gone, unless it is told to look in
 * between (PostgreSQL 14). Without that, a process that dies leaves its statements and their locks behind. Where the
 * network dies with it there is nothing to see, and only a missing answer tells. Without the others the server would wait
 * for that for hours, and keep the places of these sessions taken; with them for about ten seconds, as this side does.
 */
const PRESETS = {
  client_connection_check_interval: 500,
  tcp_keepalives_idle: KEEPALIVE_DELAY_MS / 1_000,
  tcp_keepalives_interval: 1,
  tcp_keepalives_count: 9,
  tcp_user_timeout: 10_000,
} as const;

/** Whether servers are asked to look for their client while they work. It stays without for good where one refuses. */
export class ClientCheck {
  #asked = true;

  /** Has a new client ask for it at the start. */
  askFor(client: pg.Client): void {
    if (!this.#asked) return;
    for (const [name, value] of Object.entries(PRESETS)) presetOption(client, name, value);
  }

  /** Whether an attempt to connect has failed because it was asked for, so that the next one goes without. */
  refusedBy(error: unknown): boolean {
    if (!this.#asked || !refusesClientCheck(error)) return false;
    this.#asked = false;
    return true;
  }
}

/** Poolers refuse settings at the start (08P01), old servers do not know this one (42704), some systems cannot (22023). */
function refusesClientCheck(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== '08P01' && state !== '42704' && state !== '22023') return false;
  return error instanceof Error && /startup parameter|client_connection_check_interval/.test(error.message);
}
