import { type ConfigLine, describeConfig } from '../../src/config/describe.js';
import type { LiveChange, LiveSetting } from '../../src/gateway/live-changes.js';
import type { Gateway } from '../../src/gateway.js';

/** The configuration as the dashboard shows it. */
export interface ConfigView {
  readonly lines: readonly (Omit<ConfigLine, 'origin'> & { readonly origin: ConfigLine['origin'] | 'live' })[];
  /** `null` where nothing may be changed. */
  readonly changes: {
    /** The mark of the gateway: an `id` of the history means something beside it only. */
    readonly run: string;
    readonly fields: readonly LiveSetting[];
    /** Why there are none; absent where there are some. */
    readonly closed?: string;
    /** Newest first; `at` is the wall clock, in ms since 1970. */
    readonly history: readonly (LiveChange & { readonly at: number })[];
  } | null;
}

/**
 * Every value in force with its origin, secrets masked: what was read at the start, and what was changed since.
 *
 * @param changeable - Whether who looks may change something.
 */
export function configView(gateway: Gateway, changeable: boolean, wallMs: number): ConfigView {
  const { liveChanges } = gateway;
  const fields = liveChanges.settings();
  const live = new Map(fields.filter(({ changed }) => changed).map(({ path, value }) => [path, value]));
  const lines = describeConfig(gateway.config).map((line) => {
    const value = live.get(line.path);
    return value === undefined ? line : { ...line, value: String(value), origin: 'live' as const };
  });
  if (!changeable) return { lines, changes: null };
  const nowMs = gateway.clock.nowMs();
  const history = liveChanges.history().map((change) => ({ ...change, at: wallMs - (nowMs - change.atMs) }));
  const { run, closed } = liveChanges;
  return { lines, changes: { run, fields, history, ...(closed === undefined ? {} : { closed }) } };
}
