/** One mistake in the configuration. */
export interface ConfigProblem {
  /** Where it stands: a path in the code (`routes.checkout.burst`) or a variable (`SLUICE_ROUTE_CHECKOUT_BURST`). */
  readonly where: string;
  /** The value found there, quoted and shortened, secrets masked. Absent where the value does not matter. */
  readonly value?: string;
  /** What is wrong and what is allowed. */
  readonly remedy: string;
  /** The nearest valid name, where the mistake is a name and one is near. */
  readonly nearest?: string;
}

/** A problem as one line of text. */
export function formatProblem(problem: ConfigProblem): string {
  const value = problem.value === undefined ? '' : ` is ${problem.value}`;
  const nearest = problem.nearest === undefined ? '' : `; did you mean ${problem.nearest}?`;
  return `${problem.where}${value}: ${problem.remedy}${nearest}`;
}

/** The configuration cannot be used. Its message lists every mistake, one a line; it contains no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** At least one. */
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? '1 mistake' : `${problems.length} mistakes`;
    const lines = problems.map((problem) => `  - ${formatProblem(problem)}`);
    super([`The configuration of Sluice has ${count}:`, ...lines].join('\n'));
    this.problems = Object.freeze(problems.map((problem) => Object.freeze({ ...problem })));
  }
}
