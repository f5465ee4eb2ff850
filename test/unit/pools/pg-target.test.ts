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
    ['?sslmode=require', { rejectUnauthorized: true }],
    ['?ssl=true&sslmode=require&sslmode=require', { rejectUnauthorized: true }],
    ['?sslmode=verify-full', { rejectUnauthorized: true }],
    ['?ssl=true', { rejectUnauthorized: true }],
    ['?sslnegotiation=direct', { rejectUnauthorized: true }],
    [`?sslrootcert=system&sslmode=verify-full`, { rejectUnauthorized: true }],
    ['?sslmode=no-verify', { rejectUnauthorized: false }],
    ['?ssl=no-verify', { rejectUnauthorized: false }],
    ['?uselibpqcompat=true&sslmode=require', { rejectUnauthorized: false }],
    [`?sslrootcert=${cert}`, { ca: one.certificate, rejectUnauthorized: true }],
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
    ['?sslmode=require&sslmode=disable', {}, 'url of pool "main" is "sslmode=…": it stands there twice, with two'],
    ['?sslmode=disable&ssl=true', {}, 'url of pool "main" is "ssl=true": sslmode=disable says something else'],
    ['?ssl=0&sslmode=verify-full', {}, 'url of pool "main" is "ssl=0": sslmode=verify-full says something else'],
    ['?ssl=maybe', {}, 'url of pool "main" is "ssl=maybe": use sslmode with one of'],
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

  it.each([
    [`?sslkey=${encodeURIComponent(one.key)}`, {}, 'url of pool "main" is "sslkey=(hidden)": this is the text of a'],
    [`?sslrootcert=${one.key}`, {}, 'url of pool "main" is "sslrootcert=(hidden)": this is the text of a PEM file'],
    ['', { tlsKey: one.key }, 'tlsKey of pool "main": this is the text of a PEM file; name a file'],
    ['', { tlsCert: one.key }, 'tlsCert of pool "main": this is the text of a PEM file; name a file'],
  ])('does not show a key that is given in place of its path', (query, settings, message) => {
    const make = (): PgTarget => new PgTarget('main', { url: `postgres://app@db/shop${query}`, ...settings });
    expect(make).toThrow(message);
    expect(make).not.toThrow(one.key.slice(40, 60));
    expect(make).not.toThrow('BEGIN');
  });

  it.each([
    ['sslmod=require', '"sslmod=…": nobody reads this parameter; did you mean sslmode?'],
    ['ssl_mode=require', '"ssl_mode=…": nobody reads this parameter; did you mean sslmode?'],
    ['tls=true', 'use sslmode=verify-full'],
    ['sslmode=disable&aplication_name=shop', 'did you mean application_name?'],
    ['Port=6000', 'did you mean port?'],
    ['schema=public', 'use options=-c%20search_path%3D and the schema'],
    ['connection_limit=5', 'set max of the pool'],
    ['database=shop', 'postgres://host/database'],
    ['constructor=1', 'leave it out: known are ssl, sslmode,'],
    ['dbname=other', '"dbname=…": the driver does not read it; the database is what follows the host'],
    ['service=main', 'write host, port and database'],
    ['hostaddr=10.0.0.1', 'use the address as host'],
    ['gssencmode=require', '"gssencmode=require": the driver does not read it; encryption is by TLS'],
    ['ssl_min_protocol_version=TLSv1.3', 'start Node with --tls-min-v1.3'],
    ['require_auth=scram-sha-256', 'leave it out to accept any'],
    ['sslcrl=/etc/crl.pem', 'revoked certificates are not looked for'],
    ['query_timeout=200', '"query_timeout=…": leave it out: the driver would give up on a statement that goes on'],
  ])('refuses %s, which nobody would heed', (query, why) => {
    expect(() => new PgTarget('main', { url: `postgres://app@db/shop?${query}` })).toThrow(LoginSettingError);
    expect(() => new PgTarget('main', { url: `postgres://app@db/shop?${query}` })).toThrow(why);
  });

  it.each([
    ['statement_timeout=abc', '"statement_timeout=abc": give whole milliseconds, 0 (for none) to 2147483647'],
    ['statement_timeout=-5', 'give whole milliseconds'],
    ['statement_timeout=5s', 'write options=-c%20statement_timeout%3D5s'],
    ['lock_timeout=abc', '"lock_timeout=abc": give whole milliseconds'],
    ['idle_in_transaction_session_timeout=3000000000', 'give whole milliseconds'],
    ['options=junk', '"options=junk": use -c name=value, percent-encoded'],
    ['options=-c', '"options=-c": use -c name=value'],
    ['options=-c%20jit', '"options=-c": use -c name=value'],
    ['options=-c%20app.key%3DZq7%20junk', '"options=junk": use -c name=value'],
    ['options=-c%20statement_timeout%3Dabc', '"options=-c statement_timeout=abc": give milliseconds'],
    ['options=--lock-timeout%3D5weeks', '"options=-c lock_timeout=5weeks": give milliseconds'],
    ['port=0', '"port=0": give a port from 1 to 65535'],
    ['port=99999', '"port=99999": give a port'],
    ['port=abc', 'give a port'],
  ])('refuses %s, over which no connection would come about', (query, why) => {
    const make = (): PgTarget => new PgTarget('main', { url: `postgres://app@db/shop?${query}` });
    expect(make).toThrow(LoginSettingError);
    expect(make).toThrow(why);
    expect(make).not.toThrow('Zq7');
  });

  it.each([
    ['', Number.POSITIVE_INFINITY],
    ['statement_timeout=200', 200],
    ['statement_timeout=0', Number.POSITIVE_INFINITY],
    ['statement_timeout=', Number.POSITIVE_INFINITY],
    ['options=-c%20jit%3Doff', Number.POSITIVE_INFINITY],
    ['options=-c%20statement_timeout%3D1.5s%20-c%20jit%3Doff', 1_500],
    ['options=-cstatement_timeout%3D3min', 180_000],
    ['options=--statement-timeout%3D200%20-c%20statement_timeout%3D100', 100],
    ['options=-c%20statement_timeout%3D5%5C%20s', 5_000],
    ['options=-c%20statement_timeout%3D100&statement_timeout=200', 200],
    ['options=endpoint%3Dep-quiet-1%20-B%2016', Number.POSITIVE_INFINITY],
  ])('reads the limit of statements of "%s"', (query, limitMs) => {
    expect(new PgTarget('main', { url: `postgres://app@db/shop?${query}` }).statementLimitMs).toBe(limitMs);
  });

  it.each(['password=a&Zq7', 'sslpassword=a&Zq7=1', 'sslkey=k&a@Zq7', '%00Zq7=1', 'Zq7/b?c'])(
    'does not show what may be a piece of a password: %s',
    (query) => {
      const make = (): PgTarget => new PgTarget('main', { url: `postgres://app@db/shop?${query}` });
      expect(make).toThrow('percent-encode & as %26');
      expect(make).not.toThrow('Zq7');
    },
  );

  it.each(['2024?pw-Zq7=1', '2024/?pw-Zq7='])('nor what follows a password that begins like a port: %s', (password) => {
    const make = (): PgTarget => new PgTarget('main', { url: `postgres://shop:${password}@db:6000/shop` });
    expect(make).toThrow('and ? as %3F');
    expect(make).not.toThrow('Zq7');
  });

  it('names what programs on libpq know and the driver does not, and goes on', () => {
    const query = 'connect_timeout=3&channel_binding=require&sslmode=disable&dbname=shop&target_session_attrs=any&';
    const target = new PgTarget('main', { url: `postgres://app:p%2Fw@db:6000/shop?${query}gssencmode=disable` });
    expect(told(target)).toEqual(PLAIN);
    const names = target.unheeded.map((text) => /^the driver does not read (\w+) of the url: \w/.exec(text)?.[1]);
    expect(names).toEqual(['connect_timeout', 'channel_binding', 'target_session_attrs', 'gssencmode']);
  });

  it('hands on what the driver reads', () => {
    const query =
      'application_name=a&fallback_application_name=b&client_encoding=utf8&statement_timeout=1&lock_timeout=2&' +
      'idle_in_transaction_session_timeout=3&host=h&port=7&user=u&password=w';
    const { connectionParameters } = new PgTarget('main', { url: `postgres://db/shop?${query}` }).client(
      {},
    ) as unknown as {
      readonly connectionParameters: Readonly<Record<string, unknown>>;
    };
    const asked = [...new URLSearchParams(query)].map(([name, value]): [string, string] => [name, value]);
    expect(asked.map(([name]): [string, string] => [name, String(connectionParameters[name])])).toEqual(asked);
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
