/** The part of the page's script that shows pools, routes and refusals. */
export const SCRIPT_TABLES = `
const CLASSES = ['critical', 'high', 'normal', 'low'];
head('routes', [['Route', 'text'], ['Class, pool', 'text'], ['Arrived/s'], ['Admitted/s'],
  ['Shed/s', 'text'], ['Waiting'], ['In flight'], ['Queue wait'], ['Service'], ['Response'], ['Time left']]);
head('refusals', [['When', 'text'], ['Route', 'text'], ['Code', 'text'], ['Why', 'text'], ['Measured', 'text'], ['What helps', 'text'], ['Alike'],
  ['Come back in']]);

// Why the seats are as many as they are, in words.
const REASONS = {
  start: 'as configured', trial: 'one more is tried', trial_failed: 'one more did not help', congestion: 'work got slower',
  throughput: 'more brought more', demand: 'asked for', strain: 'the database is strained', measuring: 'measuring quiet times',
  yielding: 'yields to another pool', returning: 'comes back step by step',
};
const OPENED_BY = { failure: 'too much fails', slow: 'too much is too slow' };

const pair = (list, name, value, className) => {
  const cell = make('dd', typeof value === 'string' ? value : undefined, className);
  if (typeof value !== 'string') cell.append(...(Array.isArray(value) ? value : [value]));
  list.append(make('dt', name), cell);
};

const breakerText = ({ breaker, circuit }) => {
  if (breaker === null) return state('off');
  if (breaker === 'closed' || circuit === null) return state(breaker);
  return state(breaker, breaker.replace('_', '-') + ', ' + Math.round(circuit.share * 100) + ' % let through' +
    (circuit.openedBy ? ': ' + OPENED_BY[circuit.openedBy] : ''));
};

// What is at fault, and what would help; a pool without trouble says so in a word.
const FAULTS = {
  none: 'nothing', database_down: 'the server', lock_contention: 'locks', slow_query: 'a query',
  database_saturated: 'the server', pool_too_small: 'the pool', unclear: 'not clear',
};
const faultCell = ({ fault, detail }) => fault === 'none' ? [make('span', FAULTS.none)] :
  [make('strong', FAULTS[fault] || fault, fault === 'unclear' ? 'soft' : 'bad'), ': ' + detail];
const hogText = (hog) => 'route "' + hog.route + '" holds ' + Math.round(hog.seatTimeShare * 100) +
  " % of the seats' time with " + Math.round(hog.requestShare * 100) + ' % of the requests, ' + time(hog.meanHoldMs) +
  ' each: give it a pool of its own';

const poolCard = (pool, { diagnoses, seatHogs }) => {
  const { seats, connections } = pool;
  const card = make('article', undefined, 'card');
  card.dataset.pool = pool.name;
  card.append(inside(make('div', undefined, 'head'), make('h3', pool.name), state(pool.state)));
  const meter = make('meter');
  meter.max = Math.max(1, seats.max);
  meter.value = seats.inFlight;
  meter.setAttribute('aria-label', 'seats in use of pool ' + pool.name);
  const list = make('dl');
  const limited = seats.limit < seats.max;
  pair(list, 'Seats', seats.inFlight + ' in use, limit ' + seats.limit + ' of ' + seats.max);
  pair(list, 'Limit', limited && seats.tuning === null ?
    connections.granted < connections.max ? 'fewer connections were granted' : 'made smaller while running' :
    seats.tuning === null ? 'fixed' : REASONS[seats.tuning.reason] || seats.tuning.reason, limited ? 'warn' : '');
  const queued = CLASSES.filter((name) => seats.queuedByClass[name] > 0)
    .map((name) => seats.queuedByClass[name] + ' ' + name).join(', ');
  pair(list, 'Queued', queued || '0', queued ? 'warn' : '');
  pair(list, 'Breaker', breakerText(pool));
  pair(list, 'Connections', connections.inUse + ' in use, ' + connections.idle + ' idle, ' + connections.connecting +
    ' opening, ' + connections.cleaning + ' cleaning');
  pair(list, 'Granted', connections.granted + ' of ' + connections.max,
    connections.granted < connections.max ? 'warn' : '');
  if (connections.acquiring > 0) pair(list, 'Acquiring', String(connections.acquiring));
  const diagnosis = diagnoses.find((each) => each.pool === pool.name);
  if (diagnosis) pair(list, 'At fault', faultCell(diagnosis));
  for (const hog of seatHogs.filter((each) => each.pool === pool.name)) pair(list, 'Seat hog', hogText(hog), 'warn');
  if (pool.advice && pool.advice.action !== 'leave') pair(list, 'Advice', pool.advice.detail);
  return inside(card, meter, list);
};

const routeRow = (route) => {
  const shed = byCode(route.shedByCode);
  const failed = byCode(route.errorsByCode);
  const left = route.left > 0 ? '; left before their seat: ' + rate(route.left) : '';
  return row([
    heading(route.name, 'row', 'text'),
    make('td', route.priority + (route.pool === null ? '' : ', ' + route.pool), 'text'),
    make('td', rate(route.arrived)),
    make('td', rate(route.admitted)),
    make('td', (shed ? '\\u25b2 ' + shed : '0') + left + (failed ? '; after admission: ' + failed : ''),
      'text wrap ' + (shed || failed ? 'bad' : left ? 'warn' : 'soft')),
    make('td', String(route.waiting)),
    make('td', String(route.inFlight)),
    make('td', spread(route.wait)),
    make('td', spread(route.service)),
    make('td', spread(route.response)),
    make('td', several([route.timeLeft.p50, route.timeLeft.p5])),
  ]);
};

const showView = (view) => {
  at('facts').textContent = 'mode ' + view.mode + ', event loop ' + time(view.eventLoopLagMs) + ' late' +
    (view.fleet === null ? '' : ', fleet of ' + view.fleet.instances + (view.fleet.degraded ? ' (Redis does not answer)' : '')) +
    (view.draining ? ', draining' : '');
  at('pools').replaceChildren(...view.pools.map((pool) => poolCard(pool, view)));
  fill('routes', view.routes.map(routeRow));
};

const refusalRow = (refusal) => row([
  heading(new Date(refusal.at).toLocaleTimeString(), 'row', 'text'),
  make('td', refusal.route, 'text'),
  make('td', refusal.code, 'text'),
  make('td', refusal.detail, 'text wrap'),
  make('td', Object.entries(refusal.measured || {}).filter(([name]) => name !== 'route')
    .map(([name, value]) => name.replaceAll('_', ' ') + ' ' + value).join(', '), 'text wrap'),
  make('td', refusal.helps, 'text wrap'),
  make('td', refusal.alike + ' of the last 20'),
  make('td', refusal.retryAfterMs === undefined || refusal.retryAfterMs === null ? NONE : time(refusal.retryAfterMs)),
]);
const showRefusals = (refusals) => {
  at('no-refusals').hidden = refusals.length > 0;
  fill('refusals', refusals.map(refusalRow));
};
`;
