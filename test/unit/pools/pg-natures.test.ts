import { describe, expect, it } from 'vitest';
import { TextMemo } from '../../../src/core/text-memo.js';
import { isCommit, mayLeaveTrace, pgNature } from '../../../src/pools/pg-natures.js';

describe('mayLeaveTrace', () => {
  it.each([
    'SELECT 1',
    '  select * from orders where id = $1;  ',
    '-- the cart\nINSERT INTO orders VALUES ($1)',
    '/* a */ UPDATE stock SET n = n - 1',
    'WITH gone AS (DELETE FROM carts RETURNING *) SELECT count(*) FROM gone',
    'BEGIN ISOLATION LEVEL SERIALIZABLE',
    'COMMIT',
    'SET LOCAL work_mem = 64000',
    'SELECT pg_advisory_xact_lock(1)',
    'SHOW work_mem',
    'TABLE products',
    "SELECT 'template' FROM temperatures",
  ])('is false for %s', (text) => {
    expect(mayLeaveTrace(text)).toBe(false);
  });

  it.each([
    'SET work_mem = 64000',
    'set session statement_timeout = 0',
    'RESET ALL',
    '/* SELECT */ SET x.y = 1',
    "SELECT 'a -- b'; SET x.y = 1",
    'SELECT 1; SELECT 2',
    "select SET_CONFIG('x.y', '1', false)",
    'SELECT pg_catalog.set_config($1, $2, $3)',
    'SELECT U&"set\\005fconfig"($1, $2, false)',
    "UPDATE pg_settings SET setting = '1' WHERE name = 'work_mem'",
    'SELECT pg_advisory_lock(1)',
    'SELECT pg_try_advisory_lock_shared(1)',
    'CREATE TEMP TABLE t (n int)',
    'SELECT 1 AS n INTO TEMPORARY t',
    'SELECT 1 AS n INTO pg_temp.t',
    "SELECT dblink_connect('x')",
    'LISTEN news',
    'UNLISTEN *',
    'PREPARE p AS SELECT 1',
    'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
    'DO $$ BEGIN PERFORM 1; END $$',
    'CALL refresh()',
    'LOAD $$x$$',
    'EXPLAIN ANALYZE SELECT 1',
    'selection',
    '/* a /* nested */ SELECT 1',
    '/* open',
    '',
  ])('is true for %s', (text) => {
    expect(mayLeaveTrace(text)).toBe(true);
  });

  it('reads a hostile text in linear time', () => {
    const from = performance.now();
    for (const unit of ['/*', '/**/', ' ', '--\n', '; ', '*/']) mayLeaveTrace(unit.repeat(200_000));
    expect(performance.now() - from).toBeLessThan(1_000);
  });
});

describe('isCommit', () => {
  it.each(['COMMIT', ' end;', '-- x\n/* y */ commit and chain', 'UPDATE t SET n = 1; COMMIT', 'COMMIT PREPARED $$x$$'])(
    'is true for %s',
    (text) => {
      expect(isCommit(text)).toBe(true);
    },
  );

  it.each(['ROLLBACK', 'SELECT commit FROM log', 'committed', 'BEGIN', 'endless'])('is false for %s', (text) => {
    expect(isCommit(text)).toBe(false);
  });
});

describe('the natures of the texts seen last', () => {
  it('reads a text once and keeps its memory bounded', () => {
    const natures = new TextMemo(pgNature);
    const first = natures.of('SELECT 1');
    expect(natures.of('SELECT 1')).toBe(first);
    for (let i = 0; i < 2_000; i += 1) natures.of(`SELECT ${i} AS n`);
    expect(natures.of('SELECT 1')).not.toBe(first);
    const long = `SELECT '${'x'.repeat(10_000)}'`;
    expect(natures.of(long)).not.toBe(natures.of(long));
    expect(natures.of(long)).toEqual({ leavesTrace: false, commits: false });
  });
});
