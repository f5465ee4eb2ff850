import type { PoolSnapshot, Snapshot } from '../../telemetry/snapshot.js';
import { type Reading, type RouteInterval, routeIntervals } from './interval.js';

/** In the order in which one key goes through them. */
export const SORTS = ['shed', 'rate', 'wait', 'name'] as const;

/** By what the routes are sorted. */
export type Sort = (typeof SORTS)[number];

/** What is shown, and how. */
export interface View {
  readonly where: string;
  readonly now: Reading;
  /** Rates and times are of the time since then. */
  readonly before: Reading | undefined;
  readonly sort: Sort;
  readonly columns: number;
  readonly colours: boolean;
}

/** One column: of those that do not fit, the ones with the highest `spare` go first. */
interface Column<Row> {
  readonly title: string;
  readonly spare: number;
  readonly figures?: boolean;
  text(row: Row): string;
}

const RED = '31';
const YELLOW = '33';
const BOLD = '1';

/** The screen, a line each, none longer than the terminal is wide. */
export function viewLines(view: View): string[] {
  const { now, where, columns } = view;
  const { mode, draining, eventLoopLagMs, pools } = now.snapshot;
  const state = `${mode}${draining ? ', draining' : ''}, event loop ${ms(eventLoopLagMs)} ms late`;
  const head = paint(view, titleOf(plain(where), plain(state), columns), draining ? YELLOW : BOLD);
  const routes = routeIntervals(now, view.before).toSorted(order(view.sort));
  const sorted = `routes, by ${view.sort}`;
  return [
    head,
    '',
    ...table(view, 'pools', pools, POOL_COLUMNS, poolColour),
    ...troubles(now.snapshot).flatMap((line) => wrapped(plain(line), columns).map((part) => paint(view, part, YELLOW))),
    '',
    ...table(view, sorted, routes, ROUTE_COLUMNS, ({ shedPerSecond }) => (shedPerSecond > 0 ? YELLOW : undefined)),
  ];
}

/** Of an address less than this says nothing. */
const LEAST_ADDRESS = 8;

/** What the gateway says of itself is whole before the address is: who watches knows that. */
function titleOf(where: string, state: string, columns: number): string {
  const address = where.replace(/\/snapshot\.json$/, '');
  const room = columns - `sluice    ${state}`.length;
  if (address.length <= room) return `sluice ${address}   ${state}`;
  if (room < LEAST_ADDRESS) return cut(`sluice   ${state}`, columns);
  return `sluice ${cut(address.replace(/^https?:\/\//, ''), room)}   ${state}`;
}

const POOL_COLUMNS: readonly Column<PoolSnapshot>[] = [
  { title: 'name', spare: 0, text: ({ name }) => name },
  {
    title: 'state',
    spare: 0,
    text: ({ state, breaker }) => (breaker && breaker !== 'closed' ? `${state}, ${breaker}` : state),
  },
  { title: 'seats', spare: 0, figures: true, text: ({ seats }) => `${seats.inFlight}/${seats.limit}` },
  { title: 'queued', spare: 1, figures: true, text: (pool) => String(queuedOf(pool)) },
  { title: 'connections', spare: 2, figures: true, text: ({ connections: c }) => `${c.inUse}/${c.total}/${c.max}` },
  { title: 'headroom', spare: 4, figures: true, text: ({ seats }) => String(seats.headroom) },
  { title: 'lost', spare: 5, figures: true, text: ({ connections }) => String(connections.lost) },
  { title: 'advice', spare: 3, text: ({ advice }) => (advice ? `${advice.action} (${advice.reason})` : '') },
];

const ROUTE_COLUMNS: readonly Column<RouteInterval>[] = [
  { title: 'name', spare: 0, text: ({ name }) => name },
  { title: 'class', spare: 6, text: ({ priority }) => priority },
  { title: 'pool', spare: 7, text: ({ pool }) => pool },
  { title: 'in/s', spare: 0, figures: true, text: (route) => rate(route.arrivedPerSecond) },
  { title: 'admitted/s', spare: 4, figures: true, text: (route) => rate(route.admittedPerSecond) },
  { title: 'shed/s', spare: 0, figures: true, text: (route) => rate(route.shedPerSecond) },
  { title: 'left/s', spare: 4, figures: true, text: (route) => rate(route.leftPerSecond) },
  { title: 'at work', spare: 3, figures: true, text: ({ inFlight }) => String(inFlight) },
  { title: 'wait p99', spare: 2, figures: true, text: ({ waitP99Ms }) => ms(waitP99Ms) },
  { title: 'p50', spare: 5, figures: true, text: ({ responseP50Ms }) => ms(responseP50Ms) },
  { title: 'p99', spare: 1, figures: true, text: ({ responseP99Ms }) => ms(responseP99Ms) },
  { title: 'shed by', spare: 2, text: ({ mostShedBy }) => mostShedBy ?? '' },
];

function table<Row>(
  view: View,
  title: string,
  rows: readonly Row[],
  all: readonly Column<Row>[],
  colourOf: (row: Row) => string | undefined,
): string[] {
  const cells = new Map(all.map((column) => [column, rows.map((row) => plain(column.text(row)))]));
  const widthOf = (column: Column<Row>): number =>
    Math.max(column.title.length, ...(cells.get(column) ?? []).map(({ length }) => length));
  let columns = [...all];
  const total = (): number => columns.reduce((sum, column) => sum + widthOf(column) + 2, -2);
  while (total() > view.columns && columns.some(({ spare }) => spare > 0)) {
    const most = Math.max(...columns.map(({ spare }) => spare));
    columns = columns.filter(({ spare }) => spare < most);
  }
  const line = (textOf: (column: Column<Row>) => string): string => {
    const parts = columns.map((column) => {
      const text = textOf(column);
      return column.figures ? text.padStart(widthOf(column)) : text.padEnd(widthOf(column));
    });
    return cut(parts.join('  ').trimEnd(), view.columns);
  };
  return [
    paint(view, cut(title, view.columns), BOLD),
    line(({ title: name }) => name),
    ...rows.map((row, index) =>
      paint(
        view,
        line((column) => cells.get(column)?.[index] ?? ''),
        colourOf(row),
      ),
    ),
  ];
}

type Told = Pick<Snapshot, 'pools'> & Partial<Pick<Snapshot, 'diagnoses' | 'seatHogs'>>;

/** What is at fault, pool by pool; a gateway of an older version does not say. */
function troubles({ pools, diagnoses = [], seatHogs = [] }: Told): string[] {
  // What is not clear is of no matter while nobody waits.
  const waited = pools.filter((pool) => queuedOf(pool) > 0).map(({ name }) => name);
  const faults = diagnoses.filter(
    ({ pool, fault }) => fault !== 'none' && (fault !== 'unclear' || waited.includes(pool)),
  );
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return [
    ...faults.map(({ pool, fault, detail }) => `${pool}: ${fault.replaceAll('_', ' ')}: ${detail}`),
    ...seatHogs.map(
      ({ pool, route, seatTimeShare, requestShare }) =>
        `${pool}: route "${route}" holds ${percent(seatTimeShare)} of the seats' time with ${percent(requestShare)} of ` +
        'the requests: give it a pool of its own',
    ),
  ];
}

function poolColour(pool: PoolSnapshot): string | undefined {
  if (pool.state !== 'up' || pool.breaker === 'open') return RED;
  return queuedOf(pool) > 0 || (pool.breaker !== null && pool.breaker !== 'closed') ? YELLOW : undefined;
}

function queuedOf({ seats }: PoolSnapshot): number {
  return Object.values(seats.queuedByClass).reduce((sum, count) => sum + count, 0);
}

function order(sort: Sort): (a: RouteInterval, b: RouteInterval) => number {
  const by = (of: (route: RouteInterval) => number) => (a: RouteInterval, b: RouteInterval) =>
    (of(b) || 0) - (of(a) || 0) || a.name.localeCompare(b.name);
  if (sort === 'shed') return by(({ shedPerSecond }) => shedPerSecond);
  if (sort === 'rate') return by(({ arrivedPerSecond }) => arrivedPerSecond);
  if (sort === 'wait') return by(({ waitP99Ms }) => waitP99Ms ?? 0);
  return by(() => 0);
}

function rate(perSecond: number): string {
  if (Number.isNaN(perSecond)) return '–';
  return perSecond < 10 ? perSecond.toFixed(1) : perSecond.toFixed(0);
}

function ms(value: number | undefined): string {
  if (value === undefined) return '–';
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

/** What comes over the network must not steer the terminal. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}

/** In lines of so many columns: what helps stands at the end of a sentence. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(lines.length === 0 ? word : `  ${word}`);
  }
  return lines.map((line) => cut(line, columns));
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

function paint({ colours }: View, text: string, colour: string | undefined): string {
  return colours && colour !== undefined ? `\u001b[${colour}m${text}\u001b[0m` : text;
}
