import type { GatewayValues, PerCallerValues, PoolConfig, RouteConfig } from '../config/config.js';
import type { Field } from '../config/field.js';
import { showMistake } from '../config/mask.js';
import { ConfigError } from '../config/problem.js';
import { gatewaySection, perCallerSection, poolSection, routeSection } from '../config/section.js';
import type { TotalRate } from '../rate-limit/total-rate.js';
import type { ModeSwitch } from './mode-switch.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { RouteRuntime } from './route-runtime.js';

/** What a setting that can be changed may be: a number, or a mode. */
export type LiveValue = number | 'enforce' | 'observe';

/** One setting that can be changed while the gateway works. */
export interface LiveField {
  /** Its place in the code. */
  readonly path: string;
  /** The last part of the path. */
  readonly key: string;
  readonly allowed: string;
  /** @throws ConfigError for a value that the field does not take. */
  parse(value: unknown): LiveValue;
  read(): LiveValue;
  /** @param value - What {@link parse} made of it. */
  write(nowMs: number, value: LiveValue): void;
}

/** Routes are read where requests come in, so that a change holds from the next one on. */
type Changeable = { -readonly [Key in keyof RouteRuntime]: RouteRuntime[Key] };

type Fields<Config> = { readonly [Key in keyof Config]: Field<unknown> };

/** How a number is read and changed. */
interface Way {
  readonly most?: number;
  read(): number;
  write(nowMs: number, value: number): void;
}

/** What can be changed of. */
export interface LiveSubjects {
  readonly modes: ModeSwitch;
  readonly pools: ReadonlyMap<string, PoolRuntime>;
  readonly routes: readonly RouteRuntime[];
  readonly total: TotalRate | undefined;
}

/** What can be changed of these pools and routes, and of all routes together. */
export function liveFields({ modes, pools, routes, total }: LiveSubjects): LiveField[] {
  return [
    ...modeFields(modes),
    ...totalFields(total),
    ...Array.from(pools.values(), poolFields).flat(),
    ...routes.flatMap(routeFields),
  ];
}

function modeFields(modes: ModeSwitch): LiveField[] {
  if (!modes.adjustable) return [];
  const allowed = 'enforce or observe';
  const read = (): LiveValue => (modes.mode === 'observe' ? 'observe' : 'enforce');
  const parse = (given: unknown): LiveValue => {
    const mode = typeof given === 'string' ? given.trim() : given;
    if (mode === 'enforce' || mode === 'observe') return mode;
    throw new ConfigError([{ where: 'mode', value: showMistake(given, false), remedy: `use ${allowed}` }]);
  };
  const write = (_nowMs: number, value: LiveValue): void => {
    if (typeof value === 'string') modes.set(value);
  };
  return [{ path: 'mode', key: 'mode', allowed, read, parse, write }];
}

function totalFields(total: TotalRate | undefined): LiveField[] {
  if (total?.adjustable !== true) return [];
  const { pathPrefix, fields } = gatewaySection;
  const rate: Way = {
    read: () => total.refillPerSecond,
    write: (nowMs, perSecond) => total.adjust(nowMs, perSecond, total.burst),
  };
  const burst: Way = {
    read: () => total.burst,
    write: (nowMs, most) => total.adjust(nowMs, total.refillPerSecond, most),
  };
  return [
    liveField<GatewayValues>(pathPrefix, 'ratePerSecond', fields, rate),
    liveField<GatewayValues>(pathPrefix, 'burst', fields, burst),
  ];
}

function poolFields({ name, config, pool }: PoolRuntime): LiveField[] {
  const { pathPrefix, fields } = poolSection(name);
  // An admin pool always gets in, so nobody takes its connections away.
  if (config.admin) return [];
  const resize: Way = { read: () => pool.max, write: (_nowMs, max) => pool.resize(max), most: config.max };
  return [liveField<PoolConfig>(pathPrefix, 'max', fields, resize)];
}

function routeFields(route: RouteRuntime): LiveField[] {
  const { pathPrefix, fields } = routeSection(route.name);
  const { config } = route;
  const field = (key: keyof RouteConfig & keyof typeof fields, way: Way): LiveField =>
    liveField<RouteConfig>(pathPrefix, key, fields, way);
  const deadline = { read: () => route.config.deadlineMs, write: write(route, 'deadlineMs', setDeadline) };
  const queued = { read: () => route.config.maxQueued, write: write(route, 'maxQueued', setMaxQueued) };
  const list = [field('deadlineMs', deadline), field('maxQueued', queued)];
  // Shared buckets are those of all instances, and no one of them decides about their rate.
  if (config.ratePerSecond !== undefined && route.rate?.adjustable === true) {
    const rate = { read: () => route.config.ratePerSecond ?? 0, write: write(route, 'ratePerSecond', adjustRate) };
    const burst = { read: () => route.config.burst, write: write(route, 'burst', adjustRate) };
    list.push(field('ratePerSecond', rate), field('burst', burst));
  }
  if (route.rate?.callersAdjustable === true) list.push(...callerFields(route));
  if (config.concurrency !== undefined) {
    const read = (): number => route.config.concurrency ?? 0;
    list.push(field('concurrency', { read, write: write(route, 'concurrency', setConcurrency) }));
  }
  return list;
}

function callerFields(route: Changeable): LiveField[] {
  const { pathPrefix, fields } = perCallerSection(route.name);
  return (['ratePerSecond', 'burst'] as const).map((key) =>
    liveField<PerCallerValues>(pathPrefix, key, fields, {
      read: () => route.config.perCaller?.[key] ?? 0,
      write: (nowMs, value) => {
        const { perCaller } = route.config;
        if (perCaller === undefined) return;
        const changed = Object.freeze({ ...perCaller, [key]: value });
        route.config = Object.freeze({ ...route.config, perCaller: changed });
        route.rate?.adjustCallers(nowMs, changed.ratePerSecond, changed.burst);
      },
    }),
  );
}

/** Changes a value in the configuration of a route, and lets what works by it know. */
function write(
  route: Changeable,
  key: keyof RouteConfig,
  apply: (route: Changeable, nowMs: number) => void,
): Way['write'] {
  return (nowMs, value) => {
    route.config = Object.freeze({ ...route.config, [key]: value });
    apply(route, nowMs);
  };
}

function setDeadline(route: Changeable): void {
  route.deadlineMs = route.config.deadlineMs;
}

function setMaxQueued(route: Changeable): void {
  route.maxQueued = route.config.maxQueued;
}

function adjustRate({ rate, config }: Changeable, nowMs: number): void {
  rate?.adjust(nowMs, config.ratePerSecond ?? 0, config.burst);
}

function setConcurrency({ gate, config }: Changeable, nowMs: number): void {
  gate?.bulkhead.resize(nowMs, config.concurrency ?? 1);
  gate?.handOut(nowMs);
}

function liveField<Config>(
  prefix: string,
  key: keyof Config & string,
  fields: Partial<Fields<Config>>,
  way: Way,
): LiveField {
  const { value: number, text, allowed: words = '' } = fields[key] ?? {};
  const path = prefix + key;
  const { most = Number.POSITIVE_INFINITY } = way;
  const allowed = most === Number.POSITIVE_INFINITY ? words : `a whole number from 1 to ${most}, its size at the start`;
  return {
    path,
    key,
    allowed,
    read: () => way.read(),
    write: (nowMs, value) => {
      if (typeof value === 'number') way.write(nowMs, value);
    },
    parse: (given) => {
      const parsed = typeof given === 'string' ? text?.safeParse(given.trim()) : number?.safeParse(given);
      const value = parsed?.success === true ? parsed.data : undefined;
      if (typeof value === 'number' && value <= most) return value;
      throw new ConfigError([{ where: path, value: showMistake(given, false), remedy: `use ${allowed}` }]);
    },
  };
}
