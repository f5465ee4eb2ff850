import { SluiceError } from 'sluice';

/** The refusal while the shop cannot serve yet: the server may accept connections before its tables are there. */
export function notReady(): SluiceError {
  return new SluiceError({
    code: 'database_unavailable',
    status: 503,
    outcome: 'not_started',
    detail: 'The database of the shop is not ready yet. A retry is safe.',
    retryAfterMs: 1_000,
  });
}
