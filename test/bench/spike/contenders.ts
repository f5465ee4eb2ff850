/** Pools before the spike. */
export const SPIKE_CONTENDERS = ['sluice', 'pg-pool-grows', 'pg-pool-small', 'pg-pool-warm', 'postgres-js'] as const;

export type SpikeContender = (typeof SPIKE_CONTENDERS)[number];

/** How they are set. */
export const SPIKE_TITLES: Readonly<Record<SpikeContender, string>> = {
  sluice: 'Sluice, max 50, 5 warm',
  'pg-pool-grows': 'pg-pool, max 50, 5 warm',
  'pg-pool-small': 'pg-pool, max 5, 5 warm',
  'pg-pool-warm': 'pg-pool, max 50, 50 warm',
  'postgres-js': 'postgres.js, max 50, 5 warm',
};

/** What one spike came to: sent by its process as the only message. */
export interface SpikeRun {
  /** From the spike's first instant to its answer, of every caller. */
  readonly tookMs: readonly number[];
  /** Connections opened because of it. */
  readonly opened: number;
}
