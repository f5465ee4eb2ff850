import { seatCount } from '../core/seat-count.js';
import type { Agenda } from './agenda.js';
import type { ConfigEvent, ScenarioEvent } from './scenario.js';
import type { SimulatedPool } from './simulated-pool.js';
import type { SimulatedRoute } from './simulated-route.js';

/** The gateway that events befall. */
export interface Stage {
  readonly pools: ReadonlyMap<string, SimulatedPool>;
  readonly routes: ReadonlyMap<string, SimulatedRoute>;
  handOut(nowMs: number, pool: SimulatedPool): void;
  beginOutage(nowMs: number, pool: SimulatedPool): void;
  endOutage(nowMs: number, pool: SimulatedPool): void;
}

/** Plans what befalls the gateway. Blocks of the event loop are no events of their own: they delay all others. */
export function scheduleEvents(events: readonly ScenarioEvent[], agenda: Agenda, stage: Stage): void {
  for (const event of events) schedule(event, agenda, stage);
}

function schedule(event: ScenarioEvent, agenda: Agenda, stage: Stage): void {
  switch (event.kind) {
    case 'capacity': {
      const pool = poolOf(stage, event.pool);
      agenda.input(event.atMs, (nowMs) => {
        pool.troubles.beginCapacity(event);
        resize(nowMs, stage, pool);
      });
      agenda.input(endOf(event), (nowMs) => {
        pool.troubles.endCapacity(event);
        resize(nowMs, stage, pool);
      });
      break;
    }
    case 'slowdown': {
      const pool = poolOf(stage, event.pool);
      const { atMs, factor, toFactor = factor, forMs = Number.POSITIVE_INFINITY } = event;
      const slowdown = { atMs, forMs, factor, toFactor };
      agenda.input(atMs, () => pool.troubles.beginSlowdown(slowdown));
      agenda.input(endOf(event), () => pool.troubles.endSlowdown(slowdown));
      break;
    }
    case 'outage': {
      const pool = poolOf(stage, event.pool);
      agenda.input(event.atMs, (nowMs) => {
        if (pool.troubles.beginOutage()) stage.beginOutage(nowMs, pool);
      });
      agenda.input(endOf(event), (nowMs) => {
        if (pool.troubles.endOutage()) stage.endOutage(nowMs, pool);
      });
      break;
    }
    case 'standstill': {
      const pool = poolOf(stage, event.pool);
      agenda.input(event.atMs, () => pool.troubles.standStill(event.atMs, event.atMs + event.forMs));
      break;
    }
    case 'config':
      agenda.input(event.atMs, (nowMs) => change(nowMs, stage, event));
      break;
    case 'loopBlock':
      break;
  }
}

function endOf({ atMs, forMs = Number.POSITIVE_INFINITY }: { atMs: number; forMs?: number | undefined }): number {
  return atMs + forMs;
}

function resize(nowMs: number, stage: Stage, pool: SimulatedPool): void {
  pool.policy.resize(nowMs, pool.troubles.seats);
  stage.handOut(nowMs, pool);
}

function change(nowMs: number, stage: Stage, { pools = {}, routes = {} }: ConfigEvent): void {
  for (const [name, { max }] of Object.entries(pools)) {
    const pool = poolOf(stage, name);
    pool.troubles.usualSeats = seatCount(max, pool.settings.operationsPerRequest ?? 1);
    resize(nowMs, stage, pool);
  }
  for (const [name, settings] of Object.entries(routes)) routeOf(stage, name).change(nowMs, settings);
}

function poolOf({ pools }: Stage, name: string): SimulatedPool {
  const pool = pools.get(name);
  if (pool === undefined) throw new RangeError(`the gateway has no pool "${name}"`);
  return pool;
}

function routeOf({ routes }: Stage, name: string): SimulatedRoute {
  const route = routes.get(name);
  if (route === undefined) throw new RangeError(`the gateway has no route "${name}"`);
  return route;
}
