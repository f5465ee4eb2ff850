import { isMysql } from './dialect.js';

/** The shop's own settings; everything that starts with `SLUICE_` belongs to the gateway. */
export interface ShopSettings {
  /** Where to listen; 0 lets the system choose. Default 3000. */
  readonly port: number;
  /** `undefined`: start an embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  /** Extra database time of each checkout, in milliseconds. Default 0. */
  readonly checkoutWorkMs: number;
  /** Extra database time of each sales report, in milliseconds. Default 0. */
  readonly reportWorkMs: number;
}

/** A value from outside that the shop cannot start with; the message says which and what would do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings. An empty variable counts as unset.
 *
 * @throws {@link SettingsError} with one line per mistake.
 */
export function readSettings(env: Environment): ShopSettings {
  const mistakes: string[] = [];
  const number = (name: string, fallback: number, max: number): number => {
    const text = env[name]?.trim() ?? '';
    if (text === '') return fallback;
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value <= max) return value;
    mistakes.push(`${name}="${text}" must be a whole number from 0 to ${max}`);
    return fallback;
  };
  const settings: ShopSettings = {
    port: number('PORT', 3000, 65_535),
    databaseUrl: databaseUrl(env, mistakes),
    checkoutWorkMs: number('SHOP_CHECKOUT_WORK_MS', 0, 60_000),
    reportWorkMs: number('SHOP_REPORT_WORK_MS', 0, 600_000),
  };
  if (mistakes.length > 0) throw new SettingsError(mistakes.join('\n'));
  return settings;
}

function databaseUrl(env: Environment, mistakes: string[]): string | undefined {
  const text = env.DATABASE_URL?.trim() ?? '';
  if (text === '') return undefined;
  const protocol = URL.canParse(text) ? new URL(text).protocol : undefined;
  if (protocol !== 'postgres:' && protocol !== 'postgresql:' && !isMysql(text)) {
    // The value itself may hold a password, so it is not repeated.
    mistakes.push(
      'DATABASE_URL must have the form postgres://user:password@host:5432/database ' +
        'or mysql://user:password@host:3306/database',
    );
  }
  return text;
}
