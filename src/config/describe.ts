import type { GatewayConfig, Origin, RouteConfig, ValueOrigin } from './config.js';
import { maskText, maskUrl } from './mask.js';
import { type Entry, entriesOf, gatewaySection, perCallerSection, poolSection, routeSection } from './section.js';

/** One value of the effective configuration, ready to print. */
export interface ConfigLine {
  /** The variable that sets it. */
  readonly name: string;
  /** Its place in the code, for example `routes.checkout.burst`. */
  readonly path: string;
  /** In the form in which the variable takes it; secrets masked; empty where the value is unset. */
  readonly value: string;
  readonly origin: Origin;
  /** The variable that gave the value, where one did. */
  readonly variable?: string;
}

const BY_DEFAULT: ValueOrigin = { origin: 'default' };

/** Every value of a configuration with its origin: the gateway's own, then pool by pool and route by route. */
export function describeConfig(config: GatewayConfig): ConfigLine[] {
  const lines = (entries: readonly Entry[], values: object): ConfigLine[] => {
    const byKey = new Map<string, unknown>(Object.entries(values));
    return entries.map((entry) => describe(entry, byKey.get(entry.key), config));
  };
  return [
    ...lines(entriesOf(gatewaySection), config),
    ...[...config.pools.values()].flatMap((pool) => lines(entriesOf(poolSection(pool.name)), pool)),
    ...[...config.routes.values()].flatMap((route) => [
      ...lines(entriesOf(routeSection(route.name)), meaningful(route)),
      ...(route.perCaller === undefined ? [] : lines(entriesOf(perCallerSection(route.name)), route.perCaller)),
    ]),
  ];
}

/** Without a rate limit the burst means nothing, and would be a mistake if somebody set it as printed. */
function meaningful(route: RouteConfig): object {
  return route.ratePerSecond === undefined ? { ...route, burst: undefined } : route;
}

function describe({ variable, path, field }: Entry, value: unknown, config: GatewayConfig): ConfigLine {
  const text = value === undefined ? '' : String(value);
  return {
    name: variable,
    path,
    value: field.secret === true && text !== '' ? maskUrl(text) : maskText(text),
    ...(config.origins.get(path) ?? BY_DEFAULT),
  };
}

/** The effective configuration as aligned text: variable, value, origin; one value a line, secrets masked. */
export function formatConfig(config: GatewayConfig): string {
  const lines = describeConfig(config).map((line) => ({ ...line, value: line.value === '' ? '(unset)' : line.value }));
  const width = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.length));
  const names = width(lines.map(({ name }) => name));
  // One long URL must not push every origin off the screen.
  const values = Math.min(60, width(lines.map(({ value }) => value)));
  return lines
    .map((line) => `${line.name.padEnd(names)}  ${line.value.padEnd(values)}  ${originText(line)}`)
    .join('\n');
}

function originText({ name, origin, variable }: ConfigLine): string {
  return variable === undefined || variable === name ? origin : `${origin} ${variable}`;
}
