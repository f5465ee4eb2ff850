/** What stands before the trivial route. */
export const RAW_VARIANTS = ['bare', 'sluice', 'sluice-headers', 'rate-limit', 'glue'] as const;

/** See {@link RAW_VARIANTS}. */
export type RawVariant = (typeof RAW_VARIANTS)[number];

/** Names as tables and plots show them. */
export const RAW_TITLES: Readonly<Record<RawVariant, string>> = {
  bare: 'bare Express',
  sluice: 'Sluice, headers off',
  'sluice-headers': 'Sluice, RateLimit headers on',
  'rate-limit': 'express-rate-limit alone',
  glue: 'express-rate-limit + p-queue + opossum',
};

/** What a server of this section has done so far. */
export interface RawUsage {
  readonly requests: number;
  /** User and system time of the process, in microseconds. */
  readonly cpuMicros: number;
}
