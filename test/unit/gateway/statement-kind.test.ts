import { describe, expect, it } from 'vitest';
import { mysqlStatementKind } from '../../../src/gateway/mysql-statement-kind.js';
import { isControl, type StatementKind, statementKind } from '../../../src/gateway/statement-kind.js';
import { statementReaderFor } from '../../../src/gateway/statement-reader.js';

const rows: [text: string, kind: StatementKind][] = [
  ['select 1', 'read'],
  ['  SELECT sku, count(*) from orders group by sku; ', 'read'],
  ["select ';commit' as text -- ; commit", 'read'],
  ["select $x$; commit;$x$, $$ end $$, e'\\'; commit'", 'read'],
  ['/* why */ values (1), (2)', 'read'],
  ['select case when a then 1 end from t', 'read'],
  ["select coalesce(sum(x), 0) from t where id in (1, 2) and at > now() - interval '1 day'", 'read'],
  ['show server_version', 'read'],
  ["select ins('fn')", 'other'],
  ['select public.place_order(1)', 'other'],
  ['select "placeOrder"($1)', 'other'],
  ['select * from public."placeOrder" ($1)', 'other'],
  ['select "shop".count(1)', 'other'],
  ['values ("f"(1))', 'other'],
  ['select U&"f"(1)', 'other'],
  ['select bestelle_ä(1)', 'other'],
  ['select x$a$, put(1), y$a$ from t', 'other'],
  ['select "sku", count("sku") from "orders" where "sku" in (1, 2) group by 1', 'read'],
  ['select 1 /* one /* two */ still */ + 1', 'read'],
  ['select 1; insert into t values (2)', 'other'],
  ['select 1 as x into t', 'other'],
  ['explain analyze insert into t values (1)', 'other'],
  ['with x as (insert into t values (1) returning *) select * from x', 'other'],
  ['insert into t values (1)', 'other'],
  ['', 'other'],
  ['begin', 'begin'],
  ['START TRANSACTION;', 'begin'],
  ['begin isolation level serializable', 'control'],
  ['commit', 'commit'],
  ['-- done\ncommit work;', 'commit'],
  ['end transaction', 'commit'],
  ['commit and chain', 'control'],
  ['/* one /* two */ still */ commit and chain', 'control'],
  ['insert into t values (1); commit', 'control'],
  ['rollback', 'control'],
  ['abort', 'control'],
  ["prepare transaction 'x'", 'control'],
  ['create function f() returns int language sql begin atomic select 1; select case when a then 1 end; end', 'other'],
  ['create procedure p() begin atomic insert into t values (1); end; commit', 'control'],
  ['rollback to savepoint a', 'other'],
  ['rollback work to savepoint a', 'other'],
  ['rollback transaction to a', 'other'],
  ['savepoint a', 'other'],
  ['prepare p as select 1', 'other'],
  ['call halflock($1)', 'opaque'],
  ['do $$ begin insert into t values (1); commit; perform 1 / 0; end $$', 'opaque'],
  ['/* nightly */ VACUUM t', 'opaque'],
  ['create unique index concurrently on t (n)', 'opaque'],
  ['drop index concurrently i', 'opaque'],
  ['reindex table concurrently t', 'opaque'],
  ['alter table t detach partition p concurrently', 'opaque'],
  ['refresh materialized view concurrently m', 'other'],
  ['create index on t (n)', 'other'],
  ['alter table t add n int', 'other'],
];

describe('statementKind', () => {
  it.each(rows)('%j is %s', (text, kind) => {
    expect(statementKind(text)).toBe(kind);
    const inside = statementReaderFor('postgres://localhost').insideOf(text);
    expect(isControl(inside)).toBe(['begin', 'commit', 'control'].includes(kind));
    // Inside a transaction nothing is committed by the way.
    expect(inside).not.toBe('opaque');
  });

  it('takes what is too long to look through for a statement that may write', () => {
    expect(statementKind(`select ${'1, '.repeat(10_000)}1`)).toBe('other');
  });
});

const mysqlRows: [text: string, kind: StatementKind][] = [
  ['select 1', 'read'],
  ['# why\n/* and */ (select count(*) from t)', 'read'],
  ["select 'a\\'', place('b')", 'other'],
  ['select `place`(1)', 'other'],
  ['select `place`/**/(1)', 'other'],
  ['select bestelle_ä(1)', 'other'],
  ['select 1--1, place(1)', 'other'],
  ['insert into t values (1)', 'other'],
  ['with x as (select 1) delete from t', 'other'],
  ['savepoint a', 'other'],
  ['rollback to savepoint a', 'other'],
  ['ROLLBACK WORK TO a', 'other'],
  ['do sleep(1)', 'other'],
  ['begin', 'begin'],
  ['# c\nSTART TRANSACTION;', 'begin'],
  ['start/**/transaction', 'control'],
  ['-- c\ncommit work', 'commit'],
  ['/*!COMMIT*/', 'control'],
  ['/*!50000 COMMIT*/', 'control'],
  ['/*M!100100 COMMIT */', 'control'],
  ['/*!99999 select */ commit', 'control'],
  ['/*!99999 select */ truncate t', 'opaque'],
  ['commit and chain', 'control'],
  ['rollback', 'control'],
  ["xa start 'x'", 'control'],
  ['SET @a = 1, @@session.autocommit = 1', 'control'],
  ['start slave', 'committing'],
  ['truncate t', 'committing'],
  ['create temporary table t (n int)', 'committing'],
  ["grant select on t to 'a'", 'committing'],
  ['analyze table t', 'committing'],
  ["prepare s from 'commit'", 'committing'],
  ['call p()', 'opaque'],
  ["execute immediate 'commit'", 'opaque'],
  ['if 1 then commit; end if', 'opaque'],
  ['set statement max_statement_time = 1 for call p()', 'opaque'],
];

describe('mysqlStatementKind', () => {
  it.each(mysqlRows)('%j is %s', (text, kind) => {
    expect(mysqlStatementKind(text)).toBe(kind);
  });
});
