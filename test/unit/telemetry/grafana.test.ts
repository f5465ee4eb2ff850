import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../../src/errors.js';
import type { MetricLabel } from '../../../src/telemetry/metric.js';
import { METRICS } from '../../../src/telemetry/metric-catalogue.js';
import { HOST_METRICS, SERVER_METRICS } from '../../../src/telemetry/server-catalogue.js';

const file = (name: string): string =>
  readFileSync(new URL(`../../../examples/grafana/${name}`, import.meta.url), 'utf8');

/** Those of servers and hosts are there only for who asks. */
const ALL = [...METRICS, ...SERVER_METRICS, ...HOST_METRICS];

/** Labels by the name under which a series is printed. */
const series = new Map<string, readonly string[]>(
  ALL.flatMap(({ name, type, labels }): [string, readonly MetricLabel[] | readonly string[]][] => {
    const own = `sluice_${name}`;
    if (type !== 'histogram') return [[own, labels]];
    return [
      [`${own}_bucket`, [...labels, 'le']],
      [`${own}_sum`, labels],
      [`${own}_count`, labels],
    ];
  }),
);

/** What the scraper adds. */
const SCRAPED = ['job', 'instance'];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
  /** Of a row that is folded. */
  readonly panels?: readonly Panel[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
}

const dashboard = JSON.parse(file('dashboard.json')) as Dashboard;
const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
const alerts = file('alerts.yml');

const inDashboard = [
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query)),
];
// One expression is on the line of its key, or below it and deeper.
const inAlerts = [...alerts.matchAll(/^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/gm)].map(
  ([, block, line]) => block ?? line ?? '',
);

const metricsOf = (expr: string): string[] => [...expr.matchAll(/\bsluice_\w+/g)].map(([name]) => name);

/** Labels in `{…}` and in `by (…)`. */
function labelsOf(expr: string): string[] {
  const selectors = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inner = '']) =>
    [...inner.matchAll(/(\w+)\s*[=!]/g)].map(([, name = '']) => name),
  );
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, inner = '']) => inner.split(/\s*,\s*/));
  return [...selectors, ...grouped];
}

describe.each([
  ['the dashboard', inDashboard, 20],
  ['the alert rules', inAlerts, 11],
])('%s', (_, expressions, least) => {
  it('names only metrics that exist', () => {
    expect(expressions.length).toBeGreaterThanOrEqual(least);
    const unknown = expressions.flatMap(metricsOf).filter((name) => !series.has(name));
    expect(unknown).toEqual([]);
    expect(expressions.filter((expr) => expr.includes('sluice_')).length).toBeGreaterThanOrEqual(least);
  });

  it('asks each metric only for labels that it has', () => {
    for (const expr of expressions) {
      const known = new Set([...SCRAPED, ...metricsOf(expr).flatMap((name) => series.get(name) ?? [])]);
      expect([expr, labelsOf(expr).filter((label) => !known.has(label))]).toEqual([expr, []]);
    }
  });

  it('names only codes that exist', () => {
    const codes = expressions.flatMap((expr) => [...expr.matchAll(/\bcode!?="(\w+)"/g)].map(([, code]) => code));
    expect(codes.filter((code) => !ERROR_CODES.some((known) => known === code))).toEqual([]);
  });
});

it('describes every panel, each under a number of its own', () => {
  const ids = panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const charts = panels.filter(({ type }) => type !== 'row');
  expect(charts.filter(({ description = '' }) => description === '')).toEqual([]);
});

it('shows every metric on some panel of the dashboard', () => {
  const shown = new Set(panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => metricsOf(expr))));
  const printed = (name: string): string[] => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`];
  const missing = ALL.filter(({ name }) => !printed(`sluice_${name}`).some((one) => shown.has(one)));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

it('lays no panel over another, and none beyond the edge', () => {
  const overlaid = (all: readonly Panel[]): string[] =>
    all.flatMap(({ id, gridPos: a }, index) =>
      all.slice(index + 1).flatMap(({ id: other, gridPos: b }) => {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        return apart ? [] : [`${id} over ${other}`];
      }),
    );
  expect(overlaid(panels)).toEqual([]);
  expect(panels.filter(({ gridPos }) => gridPos.x + gridPos.w > 24)).toEqual([]);
});

it('says of every alert how bad it is, what is wrong and what to do', () => {
  const rules = alerts.split(/^ {6}- alert: /m).slice(1);
  expect(rules.length).toBe(inAlerts.length);
  for (const rule of rules) {
    expect(rule).toMatch(/severity: (critical|warning|info) /);
    expect(rule).toMatch(/summary: '.+\.'/);
    expect(rule).toMatch(/description: '.{30,}\.'/);
    // What is named by a label must be among those that the expression keeps.
    const kept = [...SCRAPED, ...labelsOf(rule), ...metricsOf(rule).flatMap((name) => series.get(name) ?? [])];
    for (const [, label = ''] of rule.matchAll(/\$labels\.(\w+)/g)) expect(kept).toContain(label);
  }
});
