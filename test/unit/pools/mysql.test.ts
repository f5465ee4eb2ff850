import { describe, expect, it } from 'vitest';
import { LoginSettingError } from '../../../src/pools/login.js';
import { classifyMysqlError, explainedRefusal, mysqlConnectTrouble } from '../../../src/pools/mysql-errors.js';
import { mysqlNature } from '../../../src/pools/mysql-natures.js';
import { counterpartState } from '../../../src/pools/mysql-states.js';
import { MysqlTarget } from '../../../src/pools/mysql-target.js';
import { flavourOf, mysqlWords, tooOld } from '../../../src/pools/mysql-words.js';

const said = (errno: number, message = 'as the server said'): Error => Object.assign(new Error(message), { errno });
const coded = (code: string, errno?: number): Error => Object.assign(new Error('as the driver said'), { code, errno });

describe('errors of MySQL', () => {
  it.each([
    [said(1213), 'contention'],
    [said(1205), 'database_busy'],
    [said(1040), 'database_busy'],
    [said(1203), 'database_busy'],
    [said(1226), 'database_busy'],
    [said(1290, 'running with the --read-only option'), 'database_busy'],
    [said(1290, 'running with the --secure-file-priv option'), 'application'],
    [said(1836), 'database_busy'],
    [said(1792), 'application'],
    [said(1317), 'cancelled'],
    [said(1969), 'cancelled'],
    [said(3024), 'cancelled'],
    [said(1062), 'application'],
    [said(1153), 'application'],
    [said(1927), 'connection_lost'],
    [said(1034), 'server_fault'],
    [coded('PROTOCOL_CONNECTION_LOST'), 'connection_lost'],
    [coded('ECONNRESET', -104), 'connection_lost'],
    [Object.assign(new Error('closed state'), { fatal: true }), 'connection_lost'],
    [new Error('mine'), 'application'],
    ['not even an error', 'application'],
  ])('%o is %s', (error, kind) => {
    expect(classifyMysqlError(error)).toBe(kind);
  });

  it.each([
    [said(1045), 'credentials'],
    [said(1044), 'rights'],
    [said(1049), 'unknown_database'],
    [said(1040), 'crowded'],
    [said(1226), 'crowded'],
    [said(3159), 'tls_required'],
    [coded('HANDSHAKE_NO_SSL_SUPPORT'), 'tls'],
    [coded('AUTH_SWITCH_PLUGIN_ERROR'), 'unsupported'],
    [coded('ECONNREFUSED', -111), 'unreachable'],
    [coded('EMFILE', -24), 'crowded'],
    [coded('ENOTFOUND', -3008), 'unresolved'],
    [coded('EAI_AGAIN', -3001), 'unresolved'],
  ])('%o at a connect is %s', (error, trouble) => {
    expect(mysqlConnectTrouble(error)).toBe(trouble);
  });

  it.each([
    [said(1205), '55P03'],
    [said(1969), '57014'],
    [said(1226), '53300'],
    [said(1290, 'super-read-only'), '25006'],
    [said(1062), undefined],
    [coded('40001'), undefined],
  ])('%o is to PostgreSQL %s', (error, state) => {
    expect(counterpartState(error)).toBe(state);
  });

  it('keeps the number of a refusal that it explains', () => {
    const refusal = said(1045);
    for (const tls of ['unasked', 'absent'] as const) {
      const explained = explainedRefusal(refusal, tls);
      expect(mysqlConnectTrouble(explained)).toBe('credentials');
      expect(String(explained)).toContain('it may also want TLS');
    }
    expect(explainedRefusal(refusal, 'used')).toBe(refusal);
  });

  it('has a remedy for a password in a format of long ago', () => {
    const explained = explainedRefusal(said(1275), 'used');
    expect(mysqlConnectTrouble(explained)).toBe('unsupported');
    expect(String(explained)).toContain('give the user mysql_native_password');
  });

  it('tells what a user may do in an hour from what it may have at once', () => {
    const used = (resource: string): Error => said(1226, `User 'a' has exceeded the '${resource}' resource`);
    for (const resource of ['max_queries_per_hour', 'max_updates_per_hour']) {
      expect(mysqlConnectTrouble(used(resource))).toBe('quota_spent');
      expect(counterpartState(used(resource))).toBe('53400');
    }
    for (const resource of ['max_user_connections', 'max_connections_per_hour']) {
      expect(mysqlConnectTrouble(used(resource))).toBe('crowded');
      expect(counterpartState(used(resource))).toBe('53300');
    }
  });
});

describe('versions', () => {
  it.each([
    ['8.0.36', 'MySQL', undefined],
    ['5.7.8-log', 'MySQL', undefined],
    ['5.7.7', 'MySQL', 'MySQL 5.7.7 is too old'],
    ['5.5.5-10.11.6-MariaDB-1', 'MariaDB', undefined],
    ['11.4.2-MariaDB', 'MariaDB', undefined],
    ['10.2.3-MariaDB', 'MariaDB', 'MariaDB 10.2.3 is too old'],
    ['5.5.68-MariaDB', 'MariaDB', 'MariaDB 5.5.68 is too old'],
    ['something', undefined, 'it calls itself "something"'],
  ])('%s is %s', (version, kind, refusal) => {
    expect(flavourOf(version)?.kind).toBe(kind);
    if (refusal === undefined) expect(tooOld(version)).toBeUndefined();
    else expect(tooOld(version)).toContain(refusal);
  });

  it('limit statements in their own words', () => {
    const words = (version: string) => mysqlWords(flavourOf(version) ?? expect.fail('no version'), '0.000000');
    expect(words('10.11.6-MariaDB').limitChange(1_500)).toBe('SET max_statement_time = 1.5');
    expect(words('10.11.6-MariaDB').limitChange('default')).toBe('SET max_statement_time = 0.000000');
    expect(words('8.0.36').limitChange(1_500)).toBe('SET max_execution_time = 1500');
    const prefix = (text: string) => words('10.11.6-MariaDB').limitBefore?.(1_500, text);
    expect(prefix('select 1')).toBe('SET STATEMENT max_statement_time = 1.5 FOR ');
    for (const text of ['START TRANSACTION', 'SET a = 1', 'CALL p()', '/* x */ SELECT 1'])
      expect(prefix(text)).toBeUndefined();
    expect(words('8.0.36').limitBefore).toBeUndefined();
    expect(words('10.11.6-MariaDB').limitLifted).toBe('SET STATEMENT max_statement_time = 0 FOR ');
    expect(words('8.0.36').limitLifted).toBeUndefined();
  });
});

describe('what a statement leaves', () => {
  it.each([
    ['SELECT * FROM t WHERE a = ? FOR UPDATE', false],
    ['(SELECT 1) UNION (SELECT 2)', false],
    ['INSERT INTO t VALUES (?)', false],
    ['REPLACE INTO t VALUES (?)', false],
    ['START TRANSACTION', false],
    ['DO SLEEP(1)', false],
    ["SELECT 'a@b.c'", false],
    ['SELECT @a := 1', true],
    ['SELECT 1 INTO @a', true],
    ["SELECT GET_LOCK('a', 1)", true],
    ['SELECT LAST_INSERT_ID(7)', true],
    ['SELECT LAST_INSERT_ID()', false],
    ['USE other', true],
    ['SET NAMES latin1', true],
    ['CALL something()', true],
    ['/*! SET @a = 1 */', true],
    ['CREATE TEMPORARY TABLE t (a int)', true],
    ['HANDLER t OPEN', true],
    ['LOCK TABLES t READ', true],
  ])('%s: %s', (text, leavesTrace) => {
    expect(mysqlNature(text).leavesTrace).toBe(leavesTrace);
  });

  it.each([
    ['COMMIT', true],
    ['commit work', true],
    ['XA COMMIT 1', true],
    ['ROLLBACK', false],
  ])('%s commits: %s', (text, commits) => {
    expect(mysqlNature(text).commits).toBe(commits);
  });
});

describe('a URL of MySQL', () => {
  const target = (url: string): MysqlTarget => new MysqlTarget('main', { url });

  it.each([
    ['mysql://a:b@db/shop', { host: 'db', port: 3_306 }, 'shop'],
    ['mariadb://a:b@[::1]:3307/shop', { host: '::1', port: 3_307 }, 'shop'],
    ['mysql://a:b@db/', { host: 'db', port: 3_306 }, undefined],
    ['mysql://a:b@db/x?socketPath=/run/mysqld.sock', { path: '/run/mysqld.sock' }, 'x'],
  ])('%s', (url, address, database) => {
    expect(target(url)).toMatchObject({ address });
    expect(target(url).database).toBe(database);
  });

  it.each([
    ['postgres://a:b@db/shop', 'use mysql://user:password@host:3306/database'],
    ['mysql://a:b@db/shop?multipleStatements=true', 'nobody reads this parameter; leave it out: known are sslmode,'],
    ['mysql://a:b@db/shop?timezon=Z', '"timezon=…": nobody reads this parameter; did you mean timezone?'],
    ['mysql://a:b@db/shop?useSSL=true', 'use sslmode=verify-full'],
    ['mysql://a:b@db/shop?connectionLimit=5', 'set max of the pool'],
    [
      'mysql://a:b@db/shop?ssl-mode=REQUIRED&sslmode=disable',
      '"sslmode=…": it stands there twice, with two values; leave one of the two out',
    ],
    ['mysql://a:b@db/shop?sslmode=require&ssl-mode=DISABLED', '"ssl-mode=…": sslmode says something else; leave one'],
    ['mysql://a:b@db/shop?sslmode=disable&ssl=true', '"ssl=true": sslmode=disable says something else; leave one of'],
    ['mysql://a:b@db/shop?ssl-mode=PREFERRED', 'it would go on without TLS'],
    [
      'mysql://a:b@db/shop?timezone=Europe/Berlin',
      '"timezone=Europe/Berlin": use local, Z (which is UTC), or an offset',
    ],
    ['mysql://a:b@db/shop?timezone=UTC', 'timezone=UTC'],
    ['mysql://a:b@db/shop?timezone=', 'timezone='],
    ['mysql://a:b@db/shop?timezone=%2B2', 'timezone=+2'],
    ['mysql://a:b@db/shop?timezone=%2B25:00', 'timezone=+25:00'],
    ['mysql://a:b@db/shop?timezone=-14:30', 'timezone=-14:30'],
    ['mysql://a:b@db/shop?dateStrings=maybe', '"dateStrings=maybe": use true or false'],
    ['mysql://a:b@db/shop?bigNumberStrings=0', '"bigNumberStrings=0": use true or false'],
    ['mysql://a:b@db/shop?decimalNumbers=', 'use true or false'],
    ['mysql://a:b@db/shop?jsonStrings=yes', 'use true or false'],
  ])('%s is refused', (url, why) => {
    expect(() => target(url)).toThrow(LoginSettingError);
    expect(() => target(url)).toThrow(why);
    expect(() => target(url)).not.toThrow(':b@');
  });

  it.each(['local', 'Z', '+02:00', '%2B05:45', '-12:00', '+14:00'])('takes the zone %s', (zone) => {
    const { timezone } = target(`mysql://a:b@db/shop?timezone=${zone}`).options({} as never, undefined, {});
    // The driver's own form, in which it takes a blank for a plus.
    expect(timezone).toMatch(/^(?:local|Z|[ +-]\d\d:\d\d)$/);
  });

  it.each([true, false])('takes yes and no: %s', (said) => {
    const names = ['dateStrings', 'decimalNumbers', 'bigNumberStrings', 'jsonStrings'];
    const url = `mysql://a:b@db/shop?${names.map((name) => `${name}=${said}`).join('&')}`;
    expect(target(url).options({} as never, undefined, {})).toMatchObject(
      Object.fromEntries(names.map((name) => [name, said])),
    );
  });

  it('changes its user, its password and nothing else', () => {
    const socket = {} as never;
    const changed = target('mysql://a:b@db/shop?timezone=Z').changed({ user: 'c', password: 'd/@' });
    expect(changed.options(socket, undefined, {})).toMatchObject({ user: 'c', password: 'd/@', timezone: 'Z' });
  });
});
