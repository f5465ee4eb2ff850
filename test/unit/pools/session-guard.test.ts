import { describe, expect, it } from 'vitest';
import { pgConnectTrouble } from '../../../src/pools/pg-errors.js';
import { pgNature } from '../../../src/pools/pg-natures.js';
import { stayingState } from '../../../src/pools/session-guard.js';

describe('what others need of a session', () => {
  it.each(['RESET ALL', '/* a */ reset search_path', 'SELECT 1; RESET ROLE', 'DISCARD ALL', 'discard temp'])(
    'is not taken back by %s',
    (text) => {
      expect(pgNature(text).staying).toMatch(/^what RESET and DISCARD take back, .*SET LOCAL/);
    },
  );

  it.each(['DISCARD PLANS', "SELECT 'x; RESET ALL'", 'UPDATE resets SET a = 1', 'ALTER ROLE a RESET work_mem'])(
    'is left alone by %s',
    (text) => {
      expect(pgNature(text).staying).toBeUndefined();
    },
  );
});

describe('what stays in a session whatever is done', () => {
  it.each([
    "LOAD 'auto_explain'",
    '/* a */ load $$auto_explain$$',
    "DO $$ BEGIN LOAD 'auto_explain'; END $$",
    "SELECT 1; LOAD E'auto_explain'",
  ])('is a library, after %s, and no clean-up is said to have undone it', (text) => {
    expect(pgNature(text).staying).toMatch(/^a library: .*session_preload_libraries/);
    expect(stayingState(text)).toBeUndefined();
  });

  it.each(["COPY load FROM '/a'", "CALL load('x')", "CREATE FUNCTION load() AS $$ LOAD 'x' $$", 'LISTEN load'])(
    'is no library after %s',
    (text) => {
      expect(pgNature(text).staying ?? '').not.toMatch(/^a library/);
    },
  );
});

describe('what stays in a session', () => {
  it.each([
    ['SET search_path = a', 'a setting'],
    ['  set session statement_timeout to 5', 'a setting'],
    ['SET ROLE admin', 'a setting'],
    ['SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY', 'a setting'],
    ['/* a */ -- b\n SET a = 1', 'a setting'],
    ["SELECT 'x;'; SET a = 1", 'a setting'],
    ["SELECT set_config('a.b', $1, false)", 'a setting'],
    ["select pg_catalog.set_config('a', coalesce($1, 'x'), false)", 'a setting'],
    ['SELECT "set_config"(\'a.b\', $1, false)', 'a setting'],
    ["UPDATE pg_settings SET setting = '9MB' WHERE name = 'work_mem'", 'a setting'],
    ['SELECT pg_catalog."pg_advisory_lock"(7)', 'a lock'],
    ['PREPARE p AS SELECT 1', 'a prepared statement'],
    ['LISTEN news', 'a channel'],
    ['DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1', 'a cursor'],
    ['CREATE TEMP TABLE t (n int)', 'a temporary table'],
    ['create or replace temporary view v as select 1', 'a temporary table'],
    ['CREATE LOCAL TEMP TABLE t AS SELECT 1; SELECT 2', 'a temporary table'],
    ['SELECT * INTO TEMP copy FROM orders', 'a temporary table'],
    ['CREATE TABLE pg_temp.t (n int)', 'something temporary'],
    ['CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', 'something temporary'],
    ['SELECT pg_advisory_lock(7)', 'a lock'],
    ['DO $$ BEGIN PERFORM pg_advisory_lock(7); END $$', 'a lock'],
    ["-- why\nDO $a$ BEGIN PERFORM set_config('a.b', 'x', false); END $a$", 'a setting'],
    ['DO $$ BEGIN CREATE TEMP TABLE t (n int); END $$', 'a temporary table'],
    ["do $$begin set a.c='1'; end$$", 'a setting'],
    ['DO $$ begin listen foo; end $$', 'a channel'],
    ["DO $$ DECLARE n int; BEGIN IF true THEN SET a.c = '1'; END IF; END $$", 'a setting'],
    ["DO $$ BEGIN LOOP SET a.c = '1'; EXIT; END LOOP; END $$", 'a setting'],
    ["DO $$ BEGIN IF false THEN NULL; ELSE SET a.c = '1'; END IF; END $$", 'a setting'],
    ["DO 'BEGIN SET a.c = ''1''; END'", 'a setting'],
    ["DO E'BEGIN\\nSET a.c = \\'1\\'; END'", 'a setting'],
    ["DO LANGUAGE 'plpgsql' $b$ BEGIN SET a.c = 1; END $b$", 'a setting'],
    ["SELECT 1; DO /* why */ LANGUAGE plpgsql 'BEGIN PERFORM pg_advisory_lock(7); END'", 'a lock'],
    ['SELECT U&"pg\\005fadvisory_lock"(7)', 'a lock'],
    ['SELECT u&"pg\\+00005Fadvisory_lock"(7)', 'a lock'],
    ['SELECT pg_try_advisory_lock_shared(7)', 'a lock'],
    ["SELECT dblink_connect('other', 'dbname=x')", 'a connection to another server'],
    ['SELECT setseed(0.5)', 'what random() gives next'],
    ['WITH s AS (SELECT pg_catalog.setseed ($1)) SELECT random() FROM s', 'what random() gives next'],
    ['SET statement_timeout = 5; SET global.tenant = 7', 'a setting'],
    ['SET @tenant = 7', 'a setting'],
  ])('%s leaves %s behind, and it says what to do', (text, what) => {
    expect(stayingState(text)?.split(':')).toEqual([what, expect.stringMatching(/^ \w.+/)]);
  });

  it.each([
    'SELECT 1',
    'SET LOCAL work_mem = 1',
    'SELECT "set", "listen" FROM "temp"',
    'SELECT "Pg_advisory_lock"(7)',
    'SET TRANSACTION READ ONLY',
    'SET CONSTRAINTS ALL DEFERRED',
    'UPDATE t SET a = 1',
    "UPDATE t SET a = '; SET b = 1'",
    "SELECT '-- '; -- SET a",
    'SELECT "; set x", $$ ; LISTEN news $$, $tag$ ; set a = $$1$$ $tag$',
    "SELECT E'\\'; SET a = 1'",
    "SELECT set_config('a', $1, true)",
    "SELECT set_config('a', coalesce($1, 'x'), TRUE), set_config($2, $3, true)",
    "PREPARE TRANSACTION 'x'",
    'DECLARE c CURSOR FOR SELECT 1',
    'CREATE TEMP TABLE t (n int) ON COMMIT DROP',
    'INSERT INTO temp SELECT * FROM other',
    'WITH a AS (SELECT 1) INSERT INTO temp VALUES (1)',
    'CREATE TABLE temperatures (n int)',
    'SELECT pg_advisory_xact_lock(7), pg_try_advisory_xact_lock_shared(8)',
    'ALTER ROLE a SET work_mem = 1',
    'DO $$ BEGIN UPDATE t SET a = 1; PERFORM pg_advisory_xact_lock(7); END $$',
    "DO $$ BEGIN PERFORM set_config('a.b', 'x', true); RAISE NOTICE 'pg_advisory_lock(1)'; END $$",
    'INSERT INTO t VALUES ($$ SELECT pg_advisory_lock(7) $$) ON CONFLICT DO NOTHING',
    "DO 'BEGIN SET LOCAL a.c = 1; END'",
    "DO $$ BEGIN RAISE NOTICE 'then set a = 1'; UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END; END $$",
    "SELECT 'do', 'BEGIN SET a.c = 1; END'",
    'SELECT U&"d\\+ffffff"',
    'CREATE TABLE pg_temp.t (n int) ON COMMIT DROP',
    'SELECT * FROM pg_temp.t',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = a AS $$ SELECT 1 $$',
    'RESET ALL',
    'DISCARD ALL',
    '',
    "SELECT 'unterminated",
    'SET GLOBAL max_connections = 5',
    'set @@global.max_connections = 5',
    "SET PASSWORD = 'x'",
    'SET STATEMENT max_statement_time = 1 FOR SELECT 1',
    "LOAD DATA LOCAL INFILE 'a' INTO TABLE t",
    "INSERT INTO t VALUES ('load ''x''; SELECT setseed(1)')",
    'SELECT setseed FROM t',
  ])('%s leaves nothing for certain', (text) => {
    expect(stayingState(text)).toBeUndefined();
  });

  it('reads a long text in a time that grows with its length only', () => {
    const from = performance.now();
    stayingState(`SELECT ${"'a''b', ".repeat(50_000)} $tag$ /* ${'-'.repeat(100_000)}`);
    expect(performance.now() - from).toBeLessThan(1_000);
  });
});

describe('what a pooler says at the start', () => {
  it.each([
    ['no more connections allowed (max_client_conn)', 'crowded'],
    ['no such database: shop', 'unknown_database'],
    ['SASL authentication failed', 'credentials'],
    ['password authentication failed', 'credentials'],
    ['no such user: shop', 'credentials'],
    ['server login has been failing, try again later (server_login_retry)', 'unreachable'],
    ['query_wait_timeout', 'unreachable'],
    ['pgbouncer cannot connect to server', 'unreachable'],
  ])('"%s" is trouble of the kind %s', (message, trouble) => {
    expect(pgConnectTrouble(Object.assign(new Error(message), { code: '08P01', severity: 'FATAL' }))).toBe(trouble);
  });
});
