import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { LoginSettingError } from '../../../src/pools/login.js';
import { cancelTargetOf } from '../../../src/pools/pg-client.js';
import { PgTarget } from '../../../src/pools/pg-target.js';
import { selfSigned } from '../../integration/pools/self-signed.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-target-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const one = selfSigned('one');
const cert = file('one.pem', one.certificate);
const key = file('one.key', one.key);
const otherKey = file('other.key', selfSigned('other').key);
afterAll(() => rmSync(folder, { recursive: true }));

/** What the driver is told, as far as it can be read. */
function told(target: PgTarget): object {
  const { user, host, port, database, connectionParameters, ssl } = target.client({}) as unknown as {
    readonly [Key in 'user' | 'host' | 'port' | 'database' | 'ssl']: unknown;
  } & { readonly connectionParameters: { readonly password: unknown } };
  return { user, password: connectionParameters.password, host, port, database, ssl };
}

const PLAIN = { user: 'app', password: 'p/w', host: 'db', port: 6_000, database: 'shop', ssl: false };

describe('PgTarget', () => {
  it.each<[string, object | boolean]>([
    ['', false],
    ['?sslmode=disable', false],
    ['?ssl=0', false],
    ['?sslmode=require', {}],
    ['?sslmode=verify-full', {}],
    ['?ssl=true', {}],
    ['?sslnegotiation=direct', {}],
    [`?sslrootcert=system&sslmode=verify-full`, {}],
    ['?sslmode=no-verify', { rejectUnauthorized: false }],
    ['?ssl=no-verify', { rejectUnauthorized: false }],
    ['?uselibpqcompat=true&sslmode=require', { rejectUnauthorized: false }],
    [`?sslrootcert=${cert}`, { ca: one.certificate }],
  ])('asks for TLS as "%s" says', (query, ssl) => {
    const target = new PgTarget('main', { url: `postgres://app:p%2Fw@db:6000/shop${query}` });
    expect(told(target)).toEqual({ ...PLAIN, ssl });
  });

  it('keeps what else the url says', () => {
    const url =
      'postgres://db/shop?sslmode=disable&user=app&password=p%2Fw&port=6000&channel_binding=require&options=-c%20jit%3Doff';
    const client = new PgTarget('main', { url }).client({}) as unknown as {
      readonly connectionParameters: { readonly options: string };
    };
    expect(client.connectionParameters.options).toBe('-c jit=off');
    expect(told(new PgTarget('main', { url }))).toEqual(PLAIN);
  });

  it.each<[string, object, string]>([
    ['?sslmode=allow', {}, 'url of pool "main" is "sslmode=allow": it would go on without TLS; use one of disable,'],
    ['?sslmode=verify', {}, 'url of pool "main" is "sslmode=verify": use one of disable, no-verify, require,'],
    ['?ssl=maybe', {}, 'url of pool "main" is "ssl=maybe": use sslmode with one of'],
    [
      '?ssl_mode=require',
      {},
      'url of pool "main" is "ssl_mode=…": nobody reads this parameter; of TLS there are ssl, sslmode,',
    ],
    ['?sslMode=verify-full', {}, 'url of pool "main" is "sslMode=…": nobody reads this parameter'],
    ['?sslnegotiation=late', {}, 'url of pool "main" is "sslnegotiation=late": use postgres or direct'],
    ['?sslmode=verify-ca', {}, 'url of pool "main" is "sslmode=verify-ca": no authority is named'],
    ['?sslmode=disable', { tls: true }, 'url of pool "main" is "sslmode=disable": another option asks for TLS'],
    ['', { tlsCa: `${folder}/none` }, `tlsCa of pool "main" is "${folder}/none": the file cannot be read (ENOENT)`],
    ['', { tlsCa: folder }, `tlsCa of pool "main" is "${folder}": the file cannot be read (EISDIR)`],
    ['', { tlsCa: key }, `tlsCa of pool "main" is "${key}": it has no certificate that can be read`],
    ['', { tlsKey: key }, `tlsKey of pool "main" is "${key}": means nothing alone; set tlsCert, too`],
    ['', { tlsCert: cert, tlsKey: cert }, `tlsKey of pool "main" is "${cert}": it is no private key`],
    ['', { tlsCert: cert, tlsKey: otherKey }, `"${otherKey}": it is not the key of the certificate in ${cert}`],
  ])('refuses "%s" with %o', (query, settings, message) => {
    const make = (): PgTarget => new PgTarget('main', { url: `postgres://app:Zq7@db/shop${query}`, ...settings });
    expect(make).toThrow(LoginSettingError);
    expect(make).toThrow(message);
    expect(make).not.toThrow('Zq7');
  });

  it.each(['mysql://app:Zq7@db/shop', 'db:Zq7', 'postgres://app:Zq7@db:port/shop', ''])('refuses the url %s', (url) => {
    expect(() => new PgTarget('main', { url })).toThrow(
      /^url of pool "main": it is not a connection URL: use postgres/,
    );
  });

  it.each<[string, object, object]>([
    ['postgres://app:p%2Fw@db:6000/shop', { password: 'a@b:c/?#é' }, { password: 'a@b:c/?#é' }],
    ['postgres://app:p%2Fw@db:6000/shop', { user: 'o@p' }, { user: 'o@p' }],
    ['postgres://db:6000/shop?user=app&password=p%2Fw', { user: 'op' }, { user: 'op' }],
    ['postgres://db:6000/shop?user=app&password=old', { password: 'p/w' }, {}],
    ['postgres://db:6000/shop', { user: 'app', password: 'p/w' }, {}],
    ['postgres:///shop?host=/run&port=6000', { user: 'app', password: 'p/w' }, { host: '/run' }],
    ['postgres://x@db/x', { url: 'postgres://app@db:6000/shop', password: 'p/w' }, {}],
  ])('changes the login of %s by %o', (url, change, expected) => {
    expect(told(new PgTarget('main', { url }).changed(change))).toEqual({ ...PLAIN, ...expected });
  });

  it('keeps a password function until there is another password', () => {
    const password = (): string => 'asked';
    const target = new PgTarget('main', { url: 'postgres://app@db/shop', password });
    expect(target.changed({ user: 'op' }).password).toBe(password);
    expect(target.changed({ password: 'p' }).password).toBeUndefined();
    expect(target.changed({ url: 'postgres://db/shop' }).password).toBeUndefined();
  });

  it('reads its files again with each change, and knows when the certificate of the client ends', () => {
    const renewed = file('renewed.pem', one.certificate);
    const target = new PgTarget('main', { url: 'postgres://app@db/shop', tlsCert: renewed, tlsKey: key });
    expect(Math.abs((target.clientUntilMs ?? 0) - Date.now() - 86_400_000)).toBeLessThan(60_000);
    writeFileSync(renewed, 'gone');
    expect(() => target.changed({})).toThrow('has no certificate');
  });

  it('gives a cancel the key of the certificate, which the driver hides', () => {
    const target = new PgTarget('main', { url: 'postgres://app@db/shop', tlsCert: cert, tlsKey: key });
    expect({ ...cancelTargetOf(target.client({})).tls }).toMatchObject({ cert: one.certificate, key: one.key });
  });

  it('prints nothing of what it holds', () => {
    const target = new PgTarget('main', { url: 'postgres://app:Zq7@db/shop', tlsCert: cert, tlsKey: key });
    const printed = inspect([target, target.client({})], { depth: 20 }) + JSON.stringify(target);
    expect(printed).not.toContain('Zq7');
    expect(printed).not.toContain('PRIVATE KEY');
  });
});
