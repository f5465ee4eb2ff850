/** What a pool or a route may be called. */
export const NAME_PATTERN: RegExp = /^[a-z][A-Za-z0-9]{0,63}$/;

/** {@link NAME_PATTERN} in words. */
export const NAME_RULE = 'a name is a lower-case letter, then up to 63 letters and digits';

/** What every variable of Sluice begins with. */
export const VARIABLE_PREFIX = 'SLUICE_';

/**
 * A camel-case name in upper snake case: `salesReport` is `SALES_REPORT`, `myHTTPRoute` is `MY_HTTP_ROUTE`. Two names
 * can share a form.
 */
export function upperSnake(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toUpperCase();
}

const MOST_NAMES = 10;

/** A bounded list of names for a message. */
export function listNames(kind: string, names: readonly string[]): string {
  if (names.length === 0) return `there are no ${kind}`;
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `the ${kind} are ${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}
