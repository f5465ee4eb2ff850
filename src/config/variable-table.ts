import type { Field } from './field.js';
import { type Entry, entriesOf, gatewaySection, perCallerSection, poolSection, routeSection } from './section.js';

/** A name whose form in variables is easily replaced; not a name that a reader would take for one of their own. */
const ANY = 'anyName';
const ANY_FORM = 'ANY_NAME';

/** The Markdown of every variable with its place in the code, what it allows, its default and its meaning. */
export function variableTable(): string {
  const routes = [...entriesOf(routeSection(ANY)), ...entriesOf(perCallerSection(ANY))];
  return [
    ...table('The gateway', entriesOf(gatewaySection)),
    ...table('Each pool', entriesOf(poolSection(ANY))),
    ...table('Each route', routes),
  ]
    .join('\n')
    .trim();
}

function table(title: string, entries: readonly Entry[]): string[] {
  return [
    `#### ${title}`,
    '',
    '| Variable | In code | Allowed | Default | Meaning |',
    '|---|---|---|---|---|',
    ...entries.map(row),
    '',
  ];
}

function row({ variable, path, field }: Entry): string {
  const cells = [
    `\`${variable.replace(ANY_FORM, '<NAME>')}\``,
    `\`${path.replace(ANY, '<name>')}\``,
    field.allowed,
    defaultOf(field),
    field.description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf(field: Field<unknown>): string {
  return field.defaultText ?? `\`${String(field.default)}\``;
}
