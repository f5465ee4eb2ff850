import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GatewayConfig } from '../../../src/config/config.js';
import { describeConfig, formatConfig } from '../../../src/config/describe.js';
import { ConfigError } from '../../../src/config/problem.js';
import { resolveConfig } from '../../../src/config/resolve.js';
import { entriesOf, gatewaySection, perCallerSection, poolSection, routeSection } from '../../../src/config/section.js';
import { SHOP } from './support.js';

const ENTRIES = [
  ...entriesOf(gatewaySection),
  ...entriesOf(poolSection('checkout')),
  ...entriesOf(routeSection('checkout')),
  ...entriesOf(routeSection('salesReport')),
  ...entriesOf(perCallerSection('salesReport')),
  ...entriesOf(routeSection('health')),
];
const VARIABLES = ENTRIES.map(({ variable }) => variable);

/** Text that is nearly, or really, what some variable takes, and text that is not. */
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('0', '1', '9', '.', '-', 'e', 'x', ' ', ','), maxLength: 8 }),
  fc.double().map(String),
  fc.integer({ min: -10, max: 2_000_000 }).map(String),
  fc.constantFrom(
    'true',
    'off',
    'critical',
    'LOW',
    'cancel',
    'observe',
    'reports',
    'postgres://h/d',
    'redis://h',
    'x-a',
  ),
);
const environment = fc.dictionary(fc.constantFrom(...VARIABLES), text, { maxKeys: 8 });

function attempt(env: Record<string, string>): GatewayConfig | ConfigError {
  try {
    return resolveConfig(SHOP, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

describe('any text in any variable', () => {
  it('resolves within the range of its field, or is a problem that names the variable', () => {
    let resolved = 0;
    fc.assert(
      fc.property(fc.constantFrom(...ENTRIES), text, ({ variable, path, field }, value) => {
        const result = attempt({ [variable]: value });
        if (result instanceof ConfigError) {
          expect(value.trim()).not.toBe('');
          expect(result.problems.length).toBeGreaterThan(0);
          expect(result.message).toContain(variable);
          return;
        }
        const line = describeConfig(result).find((each) => each.path === path);
        if (value.trim() === '') expect(line?.origin).not.toBe('environment');
        else {
          resolved++;
          expect(line).toMatchObject({ origin: 'environment', variable });
          if (field.secret !== true) expect(field.text.safeParse(line?.value).success).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
    // Else the property would say little: most texts would have been mistakes.
    expect(resolved).toBeGreaterThan(30);
  });

  it('never ends in another error, whatever is set together', () => {
    fc.assert(
      fc.property(
        environment,
        fc.dictionary(
          fc.string().map((name) => `SLUICE_${name}`),
          text,
        ),
        (known, unknown) => {
          const result = attempt({ ...unknown, ...known });
          if (result instanceof ConfigError)
            expect(result.message.split('\n')).toHaveLength(result.problems.length + 1);
          else expect(formatConfig(result).split('\n')).toHaveLength(result.origins.size);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('keeps within a sound configuration what holds between fields', () => {
    const small = fc.integer({ min: 0, max: 12 }).map(String);
    const share = fc.integer({ min: 0, max: 60 }).map((percent) => String(percent / 100));
    const env = fc.record({
      SLUICE_POOL_CHECKOUT_MAX: small,
      SLUICE_POOL_CHECKOUT_MIN_IDLE: small,
      SLUICE_POOL_CHECKOUT_HEADROOM: small,
      SLUICE_POOL_CHECKOUT_CAP_CRITICAL: share,
      SLUICE_POOL_CHECKOUT_MIN_HIGH: share,
      SLUICE_POOL_CHECKOUT_MIN_NORMAL: share,
    });
    const seen = { sound: 0, mistaken: 0 };
    fc.assert(
      fc.property(env, (variables) => {
        const max = Number(variables.SLUICE_POOL_CHECKOUT_MAX);
        const percents = [
          variables.SLUICE_POOL_CHECKOUT_CAP_CRITICAL,
          variables.SLUICE_POOL_CHECKOUT_MIN_HIGH,
          variables.SLUICE_POOL_CHECKOUT_MIN_NORMAL,
        ].map((each) => Math.round(Number(each) * 100));
        const sound =
          max >= 1 &&
          // The critical route of the pool gets a share.
          Number(variables.SLUICE_POOL_CHECKOUT_CAP_CRITICAL) > 0 &&
          Number(variables.SLUICE_POOL_CHECKOUT_MIN_IDLE) <= max &&
          Number(variables.SLUICE_POOL_CHECKOUT_HEADROOM) <= max &&
          percents.reduce((sum, percent) => sum + percent, 1) <= 100;
        seen[sound ? 'sound' : 'mistaken']++;
        expect(attempt(variables) instanceof ConfigError).toBe(!sound);
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(seen.sound, seen.mistaken)).toBeGreaterThan(50);
  });
});

describe('a secret', () => {
  // Long enough that it is in no message by chance; with the characters that people forget to encode.
  const secret = fc
    .string({ unit: fc.constantFrom(...'abcXYZ0189!$&()*+,;=:@/?#%[]~ '), minLength: 3, maxLength: 12 })
    .chain((middle) => fc.constantFrom(`Zq7${middle}w9Q`, `77${middle}w9Q`));
  const variable = fc.constantFrom(...VARIABLES, 'DATABASE_URL', 'REDIS_URL', 'SLUICE_POOL_CHEKOUT_URL', 'SLUICE_X');

  const forms = fc.constantFrom<(password: string) => string>(
    (password) => `postgres://app:${password}@db:5432/shop`,
    (password) => `postgres://app:${encodeURIComponent(password)}@db/shop`,
    (password) => `postgres://app:${password}@/shop?host=/run`,
    (password) => `postgres://db/shop?password=${encodeURIComponent(password)}`,
    (password) => `postgres://db/shop?sslmode=require&password=${password}`,
    (password) => `postgresql://app@db/shop?sslmode=require&sslpassword=${encodeURIComponent(password)}`,
    (password) => `redis://:${password}@cache:6379`,
    (password) => `rediss://${encodeURIComponent(password)}@cache`,
    (password) => `mysql://app:${password}@db/shop`,
    (password) => `host=db password=${password}`,
  );

  it('is in no error and in no print, in whatever variable it stands and whether or not it is encoded', () => {
    fc.assert(
      fc.property(variable, forms, secret, (name, form, raw) => {
        const base = { pools: { checkout: {}, reports: {} }, routes: SHOP.routes };
        const env = { DATABASE_URL: 'postgres://db/shop', [name]: form(raw) };
        const shown = print(base, env);
        for (const needle of [raw, encodeURIComponent(raw), 'Zq7', 'w9Q']) expect(shown.includes(needle)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is in no error and in no print when the code gives it', () => {
    fc.assert(
      fc.property(forms, secret, (form, raw) => {
        const url = form(raw);
        const shown = print(
          { redisUrl: url, pools: { checkout: { url }, reports: { url, max: 0 } }, routes: SHOP.routes },
          {},
        );
        const other = print({ pools: { checkout: { url }, reports: { url } }, routes: SHOP.routes }, {});
        for (const needle of [raw, 'Zq7', 'w9Q']) expect((shown + other).includes(needle)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  function print(code: Parameters<typeof resolveConfig>[0], env: Record<string, string>): string {
    try {
      const config = resolveConfig(code, env);
      return formatConfig(config) + JSON.stringify(config);
    } catch (error) {
      if (error instanceof ConfigError) return error.message + error.stack + JSON.stringify(error.problems);
      throw error;
    }
  }
});
