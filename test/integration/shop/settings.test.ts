import { describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from '../../../examples/shop/settings.js';

describe('the settings of the shop', () => {
  it('have defaults, also where a variable is set to nothing', () => {
    const defaults = { port: 3000, databaseUrl: undefined, checkoutWorkMs: 0, reportWorkMs: 0 };
    expect(readSettings({})).toEqual(defaults);
    expect(readSettings({ PORT: '', DATABASE_URL: ' ', SHOP_REPORT_WORK_MS: '' })).toEqual(defaults);
  });

  it('are read', () => {
    const env = {
      PORT: '0',
      DATABASE_URL: 'postgres://a@b/c',
      SHOP_CHECKOUT_WORK_MS: '20',
      SHOP_REPORT_WORK_MS: '1000',
    };
    const settings = { port: 0, databaseUrl: 'postgres://a@b/c', checkoutWorkMs: 20, reportWorkMs: 1_000 };
    expect(readSettings(env)).toEqual(settings);
  });

  it.each(['-1', '1.5', '0x10', '1e3', 'abc', '65536', '99999999999'])('refuse PORT=%s', (text) => {
    expect(() => readSettings({ PORT: text })).toThrow(`PORT="${text}" must be a whole number from 0 to 65535`);
  });

  it('name every mistake at once, and no secret', () => {
    const env = { PORT: 'x', SHOP_CHECKOUT_WORK_MS: '-5', DATABASE_URL: 'mongodb://root:hunter2@h/db' };
    const read = (): unknown => readSettings(env);
    expect(read).toThrow(SettingsError);
    expect(read).toThrow('PORT="x" must be');
    expect(read).toThrow('DATABASE_URL must have the form');
    expect(read).toThrow(/SHOP_CHECKOUT_WORK_MS="-5"/);
    expect(read).not.toThrow(/hunter2/);
  });
});
