import type { Position } from './positioned-json.js';

/** One mistake in a scenario file. */
export interface ScenarioProblem extends Position {
  /** The field, for example `streams[0].rate`; empty for the whole. */
  readonly where: string;
  readonly message: string;
}

/** The scenario file cannot be used. The message names every mistake by line and column. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  /** At least one, in the order of the file. */
  readonly problems: readonly ScenarioProblem[];

  constructor(file: string, problems: readonly ScenarioProblem[]) {
    const sorted = problems.toSorted((one, other) => one.line - other.line || one.column - other.column);
    const lines = sorted.map(({ line, column, where, message }) => {
      return `  ${file}:${line}:${column}: ${where === '' ? '' : `${where}: `}${message}`;
    });
    const count = sorted.length === 1 ? '1 mistake' : `${sorted.length} mistakes`;
    super([`The scenario has ${count}:`, ...lines].join('\n'));
    this.problems = sorted;
  }
}
