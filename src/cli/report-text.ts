import type { GroupReport, PoolReport, Report, TenantReport, WindowReport } from '../simulator/report.js';
import { renderTable } from './table.js';

/** A report under the name of what was simulated: a configuration, or a variant of the discipline. */
export interface NamedReport {
  readonly name: string;
  readonly report: Report;
}

/** Reports on one scenario side by side, as text. */
export function formatReports(reports: readonly NamedReport[]): string {
  const [first] = reports;
  if (first === undefined) return '';
  const { scenario, seeds, windows } = first.report;
  const parts = [`${scenario}: ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`];
  for (const index of windows.keys()) parts.push(windowText(reports, index));
  parts.push(poolsText(reports), refusalsText(reports), tenantsText(reports), reclaimText(reports));
  return parts.filter((part) => part !== '').join('\n\n');
}

const GROUP_COLUMNS = [
  'offered/s',
  'good/s',
  'success %',
  'ceiling %',
  'p50 ms',
  'p99 ms',
  'shed %',
  'useful %',
  'share',
];

function windowText(reports: readonly NamedReport[], index: number): string {
  const rows = reports.flatMap(({ name, report }) => {
    const window = report.windows[index];
    if (window === undefined) return [];
    const groups = groupsOf(window);
    return groups.map(([title, group]) => [
      ...(reports.length === 1 ? [] : [name]),
      title,
      ...groupCells(group, window, report.seeds.length),
    ]);
  });
  const window = reports[0]?.report.windows[index];
  if (window === undefined) return '';
  const columns = [...(reports.length === 1 ? [] : ['of']), 'class, route', ...GROUP_COLUMNS];
  return `${window.name}, ${window.fromMs / 1000} s to ${window.untilMs / 1000} s\n\n${renderTable(columns, rows)}`;
}

/** The classes, each followed by its routes where it has more than one. */
function groupsOf({ classes, routes, total }: WindowReport): [title: string, group: GroupReport][] {
  const groups = classes.flatMap((group): [string, GroupReport][] => {
    const own = routes.filter((route) => route.class === group.name);
    const [only] = own;
    if (own.length === 1 && only !== undefined) return [[`${group.name}: ${only.name}`, group]];
    return [[group.name, group], ...own.map((route): [string, GroupReport] => [`  ${route.name}`, route])];
  });
  return [...groups, ['all', total]];
}

function groupCells(group: GroupReport, window: WindowReport, runs: number): string[] {
  const seconds = ((window.untilMs - window.fromMs) * runs) / 1000;
  const shedPercent = group.offered === 0 ? 0 : (100 * group.shed.count) / group.offered;
  return [
    (group.offered / seconds).toFixed(1),
    group.goodPerSecond.toFixed(1),
    group.successPercent.toFixed(2),
    group.ceilingPercent.toFixed(2),
    ms(group.latencyMs.p50Ms),
    ms(group.latencyMs.p99Ms),
    shedPercent.toFixed(1),
    group.usefulPercent.toFixed(1),
    group.seatShare.toFixed(3),
  ];
}

function poolsText(reports: readonly NamedReport[]): string {
  const rows = reports.flatMap(({ name, report }) =>
    report.pools.map((pool) => [
      ...(reports.length === 1 ? [] : [name]),
      pool.name,
      String(pool.longestQueue),
      pool.seatsAtEnd.toFixed(1),
      sharesText(pool),
      (report.windows[0]?.fairnessMargin ?? 0).toFixed(4),
    ]),
  );
  const columns = [
    'pool',
    'longest queue',
    'seats at the end',
    'share while always waiting: mean, least in 1 s (minimum)',
    'unfairness',
  ];
  return renderTable(reports.length === 1 ? columns : ['of', ...columns], rows);
}

function sharesText({ shares }: PoolReport): string {
  const shown = shares.map(
    (share) => `${share.class} ${share.mean.toFixed(3)}, ${share.least.toFixed(3)} (${share.minimum})`,
  );
  return shown.length === 0 ? 'none waited for a second' : shown.join('; ');
}

function refusalsText(reports: readonly NamedReport[]): string {
  const rows = reports.flatMap(({ name, report }) => {
    const total = report.windows[0]?.total;
    if (total === undefined || total.shed.count === 0) return [];
    const all: [title: string, of: GroupReport['shed']][] = [
      ...Object.entries(total.shedBy),
      ['all from the queue', total.shedFromQueue],
      ['all', total.shed],
    ];
    return all.map(([title, { count, p50Ms, p99Ms }]) => [
      ...(reports.length === 1 ? [] : [name]),
      title,
      String(count),
      ms(p50Ms),
      ms(p99Ms),
    ]);
  });
  if (rows.length === 0) return '';
  const columns = ['refusals', 'count', 'after p50 ms', 'p99 ms'];
  return renderTable(reports.length === 1 ? columns : ['of', ...columns], rows);
}

function tenantsText(reports: readonly NamedReport[]): string {
  const rows = reports.flatMap(({ name, report }) =>
    report.tenants.map((tenant) => [...(reports.length === 1 ? [] : [name]), ...tenantCells(tenant)]),
  );
  if (rows.length === 0) return '';
  const columns = ['route', 'tenants', 'unfairness', 'greatest', 'success %', 'p99 ms', 'others: success %', 'p99 ms'];
  return renderTable(reports.length === 1 ? columns : ['of', ...columns], rows);
}

function tenantCells({ route, tenants, fairnessMargin, greatest, others }: TenantReport): string[] {
  return [
    route,
    String(tenants),
    fairnessMargin.toFixed(4),
    greatest.name,
    greatest.successPercent.toFixed(2),
    ms(greatest.latencyP99Ms),
    others.successPercent.toFixed(2),
    ms(others.latencyP99Ms),
  ];
}

function reclaimText(reports: readonly NamedReport[]): string {
  const lines = reports.flatMap(({ name, report: { reclaimMs } }) =>
    reclaimMs === undefined
      ? []
      : [`${reports.length === 1 ? '' : `${name}: `}back inside the target ${reclaimMs} ms after the step`],
  );
  return lines.join('\n');
}

function ms(value: number | null): string {
  if (value === null) return '–';
  return value >= 100 || value === 0 ? String(Math.round(value)) : value.toFixed(1);
}
