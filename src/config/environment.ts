import { nearestName, nearestSpelling } from '../core/nearest.js';
import { listNames, VARIABLE_PREFIX } from './names.js';
import type { ConfigProblem } from './problem.js';
import type { Environment, Reading } from './reading.js';
import { type Entry, entriesOf, gatewaySection, perCallerSection, poolSection, routeSection } from './section.js';

/** The pools and routes that variables can name. */
export interface Named {
  readonly pools: readonly string[];
  readonly routes: readonly string[];
  /** The routes that have a key per caller. */
  readonly keyed: ReadonlySet<string>;
}

/** Adds a problem for each variable that begins with `SLUICE_` and sets nothing, and for each that sets two things. */
export function checkVariables(named: Named, env: Environment, reading: Reading): void {
  const entries = knownEntries(named);
  const known = new Map<string, string>();
  for (const { variable, path } of entries) {
    const other = known.get(variable);
    if (other === undefined) known.set(variable, path);
    else reading.problems.push({ where: variable, remedy: `would set both ${other} and ${path}; rename a route` });
  }
  const keyless = keylessVariables(named);
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith(VARIABLE_PREFIX) || known.has(variable)) continue;
    // Empty is unset, and what is unset cannot be a mistake.
    if (reading.variable(variable) === undefined) continue;
    const keyPath = keyless.get(variable);
    if (keyPath === undefined) reading.problems.push(unknownVariable(variable, entries, named));
    else reading.problems.push({ where: variable, remedy: `needs ${keyPath}, a function, in the code` });
  }
}

/**
 * Every field with its variable. Whole names are compared, so that of `report` and `reportDaily` each has its own; the
 * one clash left is `report` with `perCaller` beside `reportPerCaller`.
 */
function knownEntries({ pools, routes, keyed }: Named): Entry[] {
  return [
    ...entriesOf(gatewaySection),
    ...pools.flatMap((name) => entriesOf(poolSection(name))),
    ...routes.flatMap((name) => entriesOf(routeSection(name))),
    ...routes.filter((name) => keyed.has(name)).flatMap((name) => entriesOf(perCallerSection(name))),
  ];
}

/** The variables that would work if the code gave a key per caller, with the path of that key. */
function keylessVariables({ routes, keyed }: Named): Map<string, string> {
  const keyless = routes.filter((name) => !keyed.has(name)).map(perCallerSection);
  return new Map(
    keyless.flatMap((section) =>
      entriesOf(section).map(({ variable }) => [variable, `${section.pathPrefix}key`] as const),
    ),
  );
}

function unknownVariable(variable: string, entries: readonly Entry[], { pools, routes }: Named): ConfigProblem {
  const where = /^\w{1,200}$/.test(variable) ? variable : JSON.stringify(variable.slice(0, 200));
  const nearest = nearestField(variable, entries) ?? nearestWhole(variable, entries);
  if (nearest !== undefined) return { where, remedy: 'no such variable', nearest };
  const kind = /^SLUICE_(ROUTE|POOL)_/.exec(variable)?.[1];
  const names = kind === undefined ? '' : `; ${listNames(`${kind.toLowerCase()}s`, kind === 'POOL' ? pools : routes)}`;
  return { where, remedy: `no such variable${names}` };
}

/** The nearest field where the name before it is right; of several such names the longest counts. */
function nearestField(variable: string, entries: readonly Entry[]): string | undefined {
  const prefixes = new Set(entries.map(prefixOf).filter((prefix) => variable.startsWith(prefix)));
  for (const prefix of [...prefixes].sort((left, right) => right.length - left.length)) {
    const fields = entries.filter((entry) => prefixOf(entry) === prefix).map((entry) => entry.form);
    const nearest = nearestName(variable.slice(prefix.length), fields);
    if (nearest !== undefined) return prefix + nearest;
  }
  return undefined;
}

function prefixOf({ variable, form }: Entry): string {
  return variable.slice(0, -form.length);
}

/** More slips in a whole variable would turn one field into another. */
const MOST_SLIPS = 2;

function nearestWhole(variable: string, entries: readonly Entry[]): string | undefined {
  return nearestSpelling(
    variable,
    entries.map((entry) => entry.variable),
    MOST_SLIPS,
  );
}
