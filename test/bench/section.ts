import type { Table } from '../load/table.js';

/** What every section is given. */
export interface BenchContext {
  readonly seed: number;
  /** How often each measurement is repeated, at least 1. */
  readonly repeats: number;
  /** Short windows: enough to see that everything works, not enough for figures to show. */
  readonly quick: boolean;
  /** Aborted by SIGINT: everything started for the bench ends. */
  readonly signal: AbortSignal;
  /** One line of progress. */
  note(text: string): void;
}

/** A bar that a measurement must reach. */
export interface Check {
  readonly text: string;
  readonly value: number;
  readonly bound: number;
  readonly kind: 'at least' | 'at most';
  readonly unit: string;
}

/** What one section found out. Goes into the JSON as it is. */
export interface SectionResult {
  /** Load, windows and whatever else the figures depend on. */
  readonly conditions: Readonly<Record<string, number | string>>;
  readonly tables: readonly Table[];
  readonly checks: readonly Check[];
  /** Every single measurement. */
  readonly data: unknown;
}

/** A part of the bench that can run alone. */
export interface Section {
  readonly name: string;
  readonly about: string;
  run(context: BenchContext): Promise<SectionResult>;
}

/** Whether a bar is reached. */
export function passes(check: Check): boolean {
  return check.kind === 'at least' ? check.value >= check.bound : check.value <= check.bound;
}
