import type { LoadPlan, LoadResult } from './plan.js';

/** What the generator's process is told. */
export interface LoadRequest {
  readonly plan: LoadPlan;
}

/** What it may be told later: to send nothing more. */
export interface LoadEnding {
  readonly endNow: true;
}

/** What it answers, once. */
export type LoadReply = { readonly result: LoadResult } | { readonly error: string };
