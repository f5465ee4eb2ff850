import type { LoadPlan, LoadResult } from './plan.js';

/** What the generator's process is told. */
export interface LoadRequest {
  readonly plan: LoadPlan;
}

/** What it answers, once. */
export type LoadReply = { readonly result: LoadResult } | { readonly error: string };
