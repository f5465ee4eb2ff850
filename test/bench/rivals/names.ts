/** The gates that stand in the place of Sluice. */
export const RIVALS = ['one-pool', 'separate-pools', 'glue', 'hand-tuned', 'bottleneck'] as const;

/** See {@link RIVALS}. */
export type RivalName = (typeof RIVALS)[number];

/** Names as tables and plots show them. */
export const RIVAL_TITLES: Readonly<Record<RivalName, string>> = {
  'one-pool': 'one pool',
  'separate-pools': 'separate pools',
  glue: 'express-rate-limit + p-queue + opossum',
  'hand-tuned': 'hand-tuned bounded p-queue',
  bottleneck: 'Bottleneck',
};
