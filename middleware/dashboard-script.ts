/**
 * What the dashboard runs in the browser. Every figure is written as text, never as markup, so that no name can become
 * part of the page.
 */
export const DASHBOARD_SCRIPT = `
'use strict';
(() => {
  const EVERY_MS = 1000;
  const KEPT = 11;
  const CLASSES = ['critical', 'high', 'normal', 'low'];
  const history = [];
  const at = (id) => document.getElementById(id);
  const url = location.pathname + (location.pathname.endsWith('/') ? '' : '/') + 'snapshot.json';

  const cell = (tag, text, className) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const row = (cells) => {
    const element = document.createElement('tr');
    element.append(...cells);
    return element;
  };
  const head = (id, names) => at(id).replaceChildren(row(names.map(([text, className]) => {
    const element = cell('th', text, className);
    element.scope = 'col';
    return element;
  })));
  head('routes-head', [['Route', 'text'], ['Class', 'text'], ['Pool', 'text'], ['Arrived/s'], ['Admitted/s'],
    ['Shed/s', 'text'], ['Waiting'], ['In flight'], ['p50'], ['p90']]);
  head('pools-head', [['Pool', 'text'], ['Database', 'text'], ['Breaker', 'text'], ['Seats'], ['Headroom'],
    ['Waiting: critical'], ['high'], ['normal'], ['low'], ['Connections: in use'], ['open'], ['most'], ['opening']]);

  const rate = (value) => value >= 100 ? value.toFixed(0) : value === 0 ? '0' : value.toFixed(1);
  const time = (ms) => ms === null ? '\u2013' : ms >= 1000 ? (ms / 1000).toFixed(2) + ' s' : ms.toFixed(0) + ' ms';

  // The share of the observations between two snapshots, interpolated within its bucket.
  const quantile = (share, bounds, newer, older) => {
    const count = newer.count - older.count;
    if (count <= 0) return null;
    let below = 0;
    let lower = 0;
    for (let index = 0; index < bounds.length; index += 1) {
      const upTo = newer.cumulative[index] - older.cumulative[index];
      if (upTo >= share * count) {
        return lower + (bounds[index] - lower) * (share * count - below) / (upTo - below);
      }
      below = upTo;
      lower = bounds[index];
    }
    return lower;
  };

  const shedText = (route, before, seconds) => {
    const parts = Object.entries(route.shedByCode)
      .map(([code, count]) => [code, (count - before.shedByCode[code]) / seconds])
      .filter(([, perSecond]) => perSecond > 0)
      .map(([code, perSecond]) => code + ' ' + rate(perSecond));
    return parts.length === 0 ? '0' : parts.join(', ');
  };

  const routeRow = (route, bounds, before, oldest, seconds) => {
    const shed = shedText(route, before, seconds);
    return row([
      cell('td', route.name, 'text'),
      cell('td', route.priority, 'text'),
      cell('td', route.pool === null ? '\u2013' : route.pool, 'text'),
      cell('td', rate((route.arrived - before.arrived) / seconds)),
      cell('td', rate((route.admitted - before.admitted) / seconds)),
      cell('td', shed, shed === '0' ? 'text shed soft' : 'text shed bad'),
      cell('td', String(route.undecided)),
      cell('td', String(route.inFlight)),
      cell('td', time(quantile(0.5, bounds, route.response, oldest.response))),
      cell('td', time(quantile(0.9, bounds, route.response, oldest.response))),
    ]);
  };

  const poolRow = (pool) => {
    const { seats, connections } = pool;
    const taken = cell('td', seats.inFlight + ' / ' + seats.limit);
    const meter = document.createElement('meter');
    meter.max = Math.max(1, seats.limit);
    meter.value = seats.inFlight;
    taken.append(meter);
    const breaker = pool.breaker === null ? 'off' : pool.breaker.replace('_', '-');
    return row([
      cell('td', pool.name, 'text'),
      cell('td', pool.state, pool.state === 'up' ? 'text good' : 'text bad'),
      cell('td', breaker, breaker === 'closed' ? 'text good' : breaker === 'off' ? 'text soft' : 'text bad'),
      taken,
      cell('td', String(seats.headroom)),
      ...CLASSES.map((name) => cell('td', String(seats.queuedByClass[name]))),
      cell('td', String(connections.inUse)),
      cell('td', String(connections.total)),
      cell('td', String(connections.max)),
      cell('td', String(connections.connecting)),
    ]);
  };

  const show = () => {
    const newest = history[history.length - 1];
    const previous = history.length > 1 ? history[history.length - 2] : newest;
    const seconds = Math.max(0.001, (newest.atMs - previous.atMs) / 1000);
    const now = newest.data;
    const find = (entry, route) => entry.data.routes.find((other) => other.name === route.name) || route;
    at('facts').textContent = 'mode ' + now.mode + ', event loop ' + time(now.eventLoopLagMs) + ' late' +
      (now.draining ? ', draining' : '');
    at('routes').replaceChildren(...now.routes.map((route) =>
      routeRow(route, now.bucketBoundsMs, find(previous, route), find(history[0], route), seconds)));
    at('pools').replaceChildren(...now.pools.map(poolRow));
  };

  // Counters that went back mean that the process was started anew: nothing before can be compared with.
  const restarted = (data, last) => data.routes.some((route) => {
    const before = last.data.routes.find((other) => other.name === route.name);
    return before !== undefined && route.arrived < before.arrived;
  });

  const status = (text, className) => {
    const element = at('status');
    if (element.textContent !== text) element.textContent = text;
    element.className = className;
  };

  const poll = async () => {
    try {
      const answer = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error('status ' + answer.status);
      const data = await answer.json();
      if (history.length > 0 && restarted(data, history[history.length - 1])) history.length = 0;
      history.push({ atMs: performance.now(), data });
      if (history.length > KEPT) history.shift();
      show();
      status('live', 'good');
    } catch (error) {
      status('no answer: ' + error.message, 'bad');
    }
    setTimeout(poll, EVERY_MS);
  };
  poll();
})();
`;
