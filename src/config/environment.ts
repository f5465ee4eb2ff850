import { listNames, VARIABLE_PREFIX } from './names.js';
import { nearestName } from './nearest.js';
import type { Environment, Reading } from './reading.js';
import { entriesOf, gatewaySection, perCallerSection, poolSection, routeSection } from './section.js';

/** The pools and routes that variables can name. */
export interface Named {
  readonly pools: readonly string[];
  readonly routes: readonly string[];
  /** The routes that have a key per caller. */
  readonly keyed: ReadonlySet<string>;
}

/** Adds a problem for each variable that begins with `SLUICE_` and sets nothing, and for each that sets two things. */
export function checkVariables(named: Named, env: Environment, reading: Reading): void {
  const known = knownVariables(named, reading);
  const keyless = keylessVariables(named);
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith(VARIABLE_PREFIX) || known.has(variable)) continue;
    // Empty is unset, and what is unset cannot be a mistake.
    if (reading.variable(variable) === undefined) continue;
    const keyPath = keyless.get(variable);
    if (keyPath === undefined) reading.problems.push(unknownVariable(variable, known, named));
    else reading.problems.push({ where: variable, remedy: `needs ${keyPath}, a function, in the code` });
  }
}

/**
 * Every variable and the path that it sets. Exact names, so that of `report` and `reportDaily` each has its own; the
 * one clash left (`report` with `perCaller`, beside `reportPerCaller`) is a problem like two names with one form.
 */
function knownVariables({ pools, routes, keyed }: Named, reading: Reading): Map<string, string> {
  const entries = [
    ...entriesOf(gatewaySection),
    ...pools.flatMap((name) => entriesOf(poolSection(name))),
    ...routes.flatMap((name) => entriesOf(routeSection(name))),
    ...routes.filter((name) => keyed.has(name)).flatMap((name) => entriesOf(perCallerSection(name))),
  ];
  const known = new Map<string, string>();
  for (const { variable, path } of entries) {
    const other = known.get(variable);
    if (other === undefined) known.set(variable, path);
    else reading.problems.push({ where: variable, remedy: `would set both ${other} and ${path}; rename a route` });
  }
  return known;
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

function unknownVariable(
  variable: string,
  known: ReadonlyMap<string, string>,
  { pools, routes }: Named,
): Reading['problems'][number] {
  const bare = (name: string): string => name.slice(VARIABLE_PREFIX.length);
  // Without the prefix, which all share and which would make every short name look near.
  const nearest = nearestName(bare(variable), Array.from(known.keys(), bare));
  const where = /^\w{1,200}$/.test(variable) ? variable : JSON.stringify(variable.slice(0, 200));
  if (nearest !== undefined) return { where, remedy: 'no such variable', nearest: VARIABLE_PREFIX + nearest };
  return { where, remedy: `no such variable${namesFor(variable, pools, routes)}` };
}

/** The names that a variable of a pool or route could hold, when it is too far off for a suggestion. */
function namesFor(variable: string, pools: readonly string[], routes: readonly string[]): string {
  const kind = /^SLUICE_(ROUTE|POOL)_/.exec(variable)?.[1];
  if (kind === undefined) return '';
  return `; ${listNames(`${kind.toLowerCase()}s`, kind === 'POOL' ? pools : routes)}`;
}
