import { AggregatorRegistry, Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/errors.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { exampleSource } from './example-source.js';

/** Values by series, as a scraper would read them. */
function parse(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

const scrape = async (metrics: Metrics): Promise<Map<string, number>> => parse(await metrics.text());

test('prints what the counters hold', async () => {
  const values = await scrape(new Metrics(() => exampleSource().source, { processMetrics: false }));
  const checkout = 'route="checkout",class="critical"';
  const expected: Record<string, number> = {
    [`sluice_requests_arrived_total{${checkout}}`]: 10,
    [`sluice_requests_admitted_total{${checkout}}`]: 4,
    [`sluice_requests_queued_total{${checkout}}`]: 2,
    [`sluice_requests_shed_total{${checkout},code="queue_full"}`]: 2,
    [`sluice_requests_shed_total{${checkout},code="rate_limited"}`]: 1,
    [`sluice_requests_shed_total{${checkout},code="draining"}`]: 0,
    [`sluice_requests_would_shed_total{${checkout},code="displaced"}`]: 1,
    [`sluice_requests_left_queue_total{${checkout}}`]: 1,
    [`sluice_requests_succeeded_total{${checkout}}`]: 1,
    [`sluice_requests_failed_total{${checkout}}`]: 0,
    [`sluice_requests_expired_total{${checkout}}`]: 1,
    [`sluice_requests_abandoned_total{${checkout}}`]: 0,
    [`sluice_errors_total{${checkout},code="deadline_expired"}`]: 1,
    [`sluice_requests_in_flight{${checkout}}`]: 2,
    [`sluice_requests_undecided{${checkout}}`]: 2,
    [`sluice_late_writes_total{${checkout}}`]: 1,
    [`sluice_budget_headers_ignored_total{${checkout}}`]: 1,
    [`sluice_dirty_returns_total{${checkout}}`]: 1,
    [`sluice_handlers_silent_total{${checkout}}`]: 1,
    [`sluice_connections_kept_total{${checkout}}`]: 1,
    'sluice_requests_arrived_total{route="ping",class="low"}': 0,
    'sluice_route_seats{route="resize",class="low"}': 6,
    'sluice_route_seats_in_flight{route="resize",class="low"}': 5,
    'sluice_route_queued{route="resize",class="low"}': 9,
    'sluice_pool_up{pool="checkout"}': 1,
    'sluice_pool_up{pool="reports"}': 0,
    'sluice_pool_breaker_state{pool="checkout"}': 1,
    'sluice_pool_seats{pool="checkout"}': 14,
    'sluice_pool_seats_max{pool="checkout"}': 16,
    'sluice_pool_seats_reason{pool="reports",reason="yielding"}': 1,
    'sluice_pool_seats_reason{pool="reports",reason="returning"}': 0,
    'sluice_pool_quiet_hold_seconds{pool="reports",route="report"}': 0.85,
    'sluice_pool_yield_target_seconds{pool="reports"}': 0.012,
    'sluice_pool_yield_quiet_seconds{pool="reports"}': 0.006,
    'sluice_pool_seats_in_flight{pool="checkout"}': 2,
    'sluice_pool_seats_headroom{pool="checkout"}': 4,
    'sluice_pool_queued{pool="checkout",class="critical"}': 3,
    'sluice_pool_queued{pool="checkout",class="normal"}': 1,
    'sluice_pool_transaction_retries_total{pool="checkout",outcome="recovered"}': 4,
    'sluice_pool_transaction_retries_total{pool="reports",outcome="recovered"}': 0,
    'sluice_pool_connections_max{pool="reports"}': 4,
    'sluice_pool_pooler_clients_active{pool="checkout"}': 11,
    'sluice_pool_pooler_clients_waiting{pool="checkout"}': 3,
    'sluice_pool_pooler_servers_active{pool="checkout"}': 10,
    'sluice_pool_pooler_servers_idle{pool="checkout"}': 6,
    'sluice_pool_pooler_longest_wait_seconds{pool="checkout"}': 0.25,
    'sluice_pool_pooler_wait_seconds_total{pool="checkout"}': 7.5,
    'sluice_pool_pooler_transactions_total{pool="checkout"}': 900,
    'sluice_pool_connections{pool="checkout"}': 12,
    'sluice_pool_connections_idle{pool="checkout"}': 9,
    'sluice_pool_connections_in_use{pool="checkout"}': 2,
    'sluice_pool_connections_connecting{pool="checkout"}': 3,
    'sluice_pool_connections_cleaning{pool="checkout"}': 1,
    'sluice_pool_acquiring{pool="checkout"}': 5,
    'sluice_pool_connections_opened_total{pool="checkout"}': 40,
    'sluice_pool_connect_failures_total{pool="checkout"}': 7,
    'sluice_pool_connect_local_shortages_total{pool="checkout"}': 2,
    'sluice_pool_connections_lost_total{pool="checkout"}': 6,
    'sluice_pool_cancels_total{pool="checkout"}': 8,
    'sluice_pool_acquire_timeouts_total{pool="checkout"}': 3,
    'sluice_pool_connection_create_seconds_count{pool="checkout"}': 2,
    'sluice_pool_connection_create_seconds_bucket{le="0.01",pool="checkout"}': 1,
    [`sluice_http_request_duration_seconds_count{${checkout},method="POST",status="201"}`]: 1,
    [`sluice_http_request_duration_seconds_sum{${checkout},method="POST",status="503"}`]: 0.005,
    sluice_event_loop_lag_seconds: 0.012,
    sluice_enforcing: 1,
    sluice_draining: 0,
  };
  for (const [series, value] of Object.entries(expected)) expect([series, values.get(series)]).toEqual([series, value]);
  expect([...values.keys()].filter((series) => series.includes('requests_shed_total{route="ping"'))).toHaveLength(
    ERROR_CODES.length,
  );
  expect(values.has('sluice_pool_breaker_state{pool="reports"}')).toBe(false);
  expect([...values.keys()].filter((series) => series.startsWith('sluice_route_seats{'))).toHaveLength(1);
  // A pool whose concurrency limit is fixed has no series that would tell why it moved.
  expect([...values.keys()].filter((series) => /pool_(seats_reason|quiet|yield).*"checkout"/.test(series))).toEqual([]);
});

test('has series of what would have been only for routes that were observed', async () => {
  const { source } = exampleSource();
  const would = async (mode: 'enforce' | 'observe'): Promise<(string | undefined)[]> => {
    const values = await scrape(new Metrics(() => ({ ...source, mode }), { processMetrics: false }));
    const series = [...values.keys()].filter((name) => /would_(shed|wait)/.test(name));
    return [...new Set(series.map((name) => /route="(\w+)"/.exec(name)?.[1]))];
  };
  // An operator had switched to observing for a while.
  expect(await would('enforce')).toEqual(['checkout']);
  expect(await would('observe')).toEqual(['checkout', 'ping', 'resize']);
});

test('prints histograms in seconds, with buckets that add up', async () => {
  const values = await scrape(new Metrics(() => exampleSource().source, { processMetrics: false }));
  const wait = (le: string) =>
    values.get(`sluice_queue_wait_seconds_bucket{le="${le}",route="checkout",class="critical"}`);
  expect([wait('0.001'), wait('0.01'), wait('0.025'), wait('0.25'), wait('+Inf')]).toEqual([2, 2, 3, 4, 4]);
  expect(values.get('sluice_queue_wait_seconds_sum{route="checkout",class="critical"}')).toBeCloseTo(0.2, 9);
  expect(values.get('sluice_queue_wait_seconds_count{route="checkout",class="critical"}')).toBe(4);
  const response = (le: string) =>
    values.get(`sluice_response_seconds_bucket{le="${le}",route="checkout",class="critical"}`);
  expect([response('30'), response('+Inf')]).toEqual([0, 1]);
});

test('describes every metric and carries no label beyond the eight', async () => {
  const metrics = new Metrics(() => exampleSource().source, { processMetrics: false });
  const text = await metrics.text();
  const names = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]));
  for (const name of names) {
    expect(name).toMatch(/^sluice_[a-z_]+$/);
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*\\.$`, 'm'));
  }
  const labels = new Set([...text.matchAll(/(\w+)="/g)].map((match) => match[1]));
  expect([...labels].sort()).toEqual(['class', 'code', 'le', 'method', 'outcome', 'pool', 'reason', 'route', 'status']);
  expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
});

test('reads the present values at each scrape, and the source once', async () => {
  const { source, checkout, asked } = exampleSource();
  const metrics = new Metrics(() => source, { processMetrics: false });
  expect(asked).toEqual({ routes: 0, pools: 0 });
  await metrics.text();
  checkout.arrive();
  const values = await scrape(metrics);
  expect(values.get('sluice_requests_arrived_total{route="checkout",class="critical"}')).toBe(11);
  expect(asked).toEqual({ routes: 2, pools: 2 });
});

test("joins the application's own registry, without metrics that are likely to be there already", async () => {
  const registry = new Registry();
  const own = new Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] });
  own.inc(3);
  const values = await scrape(new Metrics(() => exampleSource().source, { registry }));
  expect(values.get('orders_total')).toBe(3);
  expect(values.get('sluice_enforcing')).toBe(1);
  expect([...values.keys()].some((series) => series.startsWith('process_'))).toBe(false);
  expect(await registry.getMetricsAsJSON()).toContainEqual(
    expect.objectContaining({ name: 'sluice_seat_hold_seconds' }),
  );
});

test('two gateways need two registries or two prefixes, and are told so', async () => {
  const registry = new Registry();
  new Metrics(() => exampleSource().source, { registry });
  expect(() => new Metrics(() => exampleSource().source, { registry, serverMetrics: true })).toThrow(
    /^the registry has a metric "sluice_\w+" already, of another gateway .*: mount .* once, or give each its own \{ registry \}, or another \{ prefix \}$/,
  );
  const both = await scrape(new Metrics(() => exampleSource().source, { registry, prefix: 'sluice_b_' }));
  const count = (prefix: string): number => [...both.keys()].filter((series) => series.startsWith(prefix)).length;
  expect([both.get('sluice_b_enforcing'), count('sluice_')]).toEqual([1, 2 * count('sluice_b_')]);
  expect(() => new Metrics(() => exampleSource().source, { processMetrics: false })).not.toThrow();
});

test('registers all or nothing', () => {
  const registry = new Registry();
  new Counter({ name: 'sluice_seat_hold_seconds', help: 'Not ours.', registers: [registry] });
  expect(() => new Metrics(() => exampleSource().source, { registry })).toThrow(/"sluice_seat_hold_seconds" already/);
  const processes = new Registry();
  collectDefaultMetrics({ register: processes });
  expect(() => new Metrics(() => exampleSource().source, { registry: processes, processMetrics: true })).toThrow(
    /leave \{ processMetrics \} out$/,
  );
  const own = [registry, processes].flatMap((each) => each.getMetricsAsArray()).map(({ name }) => name);
  expect(own.filter((name) => name.startsWith('sluice_'))).toEqual(['sluice_seat_hold_seconds']);
});

test.each(['', '9lives_', 'a-b'])('begins no name with %j', (prefix) => {
  expect(() => new Metrics(() => exampleSource().source, { prefix })).toThrow(/has the prefix .*: use letters/);
});

test('tells about the process in a registry of its own', async () => {
  const values = await scrape(new Metrics(() => exampleSource().source));
  expect(values.get('process_resident_memory_bytes')).toBeGreaterThan(0);
});

test('takes no option that it would not read', () => {
  const mistyped = { registery: new Registry() } as object;
  expect(() => new Metrics(() => exampleSource().source, mistyped)).toThrow(
    '"registery" is no option of metrics(): use "registry"',
  );
});

test('adds up what processes of a cluster have together, and nothing else', async () => {
  const made = () => new Metrics(() => exampleSource().source, { processMetrics: false, serverMetrics: true });
  const processes = [await made().registry.getMetricsAsJSON(), await made().registry.getMetricsAsJSON()];
  const together = parse(await AggregatorRegistry.aggregate(processes).metrics());
  const told = [...(await scrape(made()))].filter(([series, value]) => value !== 0 && !series.includes('le="'));
  const alike = told.filter(([series, value]) => together.get(series) === value).map(([series]) => series);
  const added = told.filter(([series, value]) => together.get(series) === 2 * value).map(([series]) => series);
  expect(alike.length + added.length).toBe(told.length);
  expect([...new Set(alike.map((series) => series.replace(/^sluice_|\{.*/g, '')))].sort()).toEqual([
    'enforcing',
    'event_loop_lag_seconds',
    'fleet_degraded',
    'fleet_disagreements',
    'fleet_instances',
    'pool_breaker_state',
    'pool_pooler_clients_active',
    'pool_pooler_clients_waiting',
    'pool_pooler_longest_wait_seconds',
    'pool_pooler_servers_active',
    'pool_pooler_servers_idle',
    'pool_pooler_transactions_total',
    'pool_pooler_wait_seconds_total',
    'pool_quiet_hold_seconds',
    'pool_seats_reason',
    'pool_up',
    'pool_yield_quiet_seconds',
    'pool_yield_target_seconds',
  ]);
});
