import type { Series } from '../simulator/tally.js';
import { lineChart } from './svg-chart.js';

/** What one simulation did over time. */
export interface NamedSeries {
  readonly name: string;
  readonly series: ReadonlyMap<string, Series>;
  readonly sliceMs: number;
  /** How many runs the series adds up. */
  readonly runs: number;
}

/** Lines beyond this many nobody can tell apart. */
const MOST_LINES = 8;

/** Answers in time over time: of each route, or of all together where several simulations are compared. */
export function plotGoodput(title: string, simulations: readonly NamedSeries[]): string {
  const lines = simulations.length === 1 ? simulations.flatMap(routeLines) : simulations.map(totalLine);
  return lineChart({ title, unit: 'good/s', across: 'seconds', lines: lines.slice(0, MOST_LINES) });
}

type Line = Parameters<typeof lineChart>[0]['lines'][number];

function routeLines({ series, sliceMs, runs }: NamedSeries): Line[] {
  return [...series].map(([route, { good }]) => ({ label: route, points: pointsOf(good, sliceMs, runs) }));
}

function totalLine({ name, series, sliceMs, runs }: NamedSeries): Line {
  const total: number[] = [];
  for (const { good } of series.values()) {
    for (const [slice, count] of good.entries()) total[slice] = (total[slice] ?? 0) + (count ?? 0);
  }
  return { label: name, points: pointsOf(total, sliceMs, runs) };
}

/** A slice in which nothing was good is a hole of the array, and a zero of the plot. */
function pointsOf(counts: readonly number[], sliceMs: number, runs: number): [number, number][] {
  return Array.from(counts, (count, slice) => [(slice * sliceMs) / 1000, ((count ?? 0) * 1000) / sliceMs / runs]);
}
