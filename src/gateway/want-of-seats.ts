import type { ErrorCode } from '../errors.js';

/** Codes that tell of too few seats, or of too much in front of them. */
export const FOR_WANT_OF_SEATS: readonly ErrorCode[] = [
  'queue_full',
  'displaced',
  'deadline_unreachable',
  'deadline_expired',
];
