import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/breaker/pool-breaker.js';
import { verdictOf } from '../../../src/gateway/verdict.js';
import { classifyPgError } from '../../../src/pools/pg-errors.js';

const judge = (code: string, slow = false, severity = 'ERROR'): Verdict => {
  const error = Object.assign(new Error('said the server'), { code, severity });
  return verdictOf(classifyPgError(error), error, slow);
};

describe('what a failed statement says about its database', () => {
  it.each<[sqlState: string, what: string, verdict: Verdict]>([
    ['23505', 'a duplicate', 'neutral'],
    ['42601', 'a syntax error', 'neutral'],
    ['22P02', 'data that cannot be read', 'neutral'],
    ['P0001', "a function's own exception", 'neutral'],
    ['40001', 'a serialisation failure', 'neutral'],
    ['40P01', 'a deadlock', 'neutral'],
    ['55P03', 'a lock that was not granted in time', 'neutral'],
    ['57014', 'a cancel by somebody else', 'neutral'],
    ['57P03', 'a server that starts or stops', 'neutral'],
    ['53100', 'a full disk', 'failure'],
    ['53200', 'no memory', 'failure'],
    ['53300', 'too many connections', 'neutral'],
    ['53400', 'a limit of its configuration', 'neutral'],
    ['25006', 'a server that refuses writes', 'failure'],
    ['58030', 'an error of its disk', 'failure'],
    ['XX000', 'an internal error', 'failure'],
    ['XX001', 'corrupt data', 'failure'],
  ])('%s, %s: %s', (sqlState, _what, verdict) => {
    expect(judge(sqlState)).toBe(verdict);
  });

  it.each<[sqlState: string, verdict: Verdict]>([
    ['57014', 'slow'],
    // How long they took says nothing of these: a lock was waited for, a session was ended.
    ['55P03', 'neutral'],
    ['40P01', 'neutral'],
    ['23505', 'neutral'],
    ['XX000', 'failure'],
  ])('%s after much of the time allowed: %s', (sqlState, verdict) => {
    expect(judge(sqlState, true)).toBe(verdict);
  });

  it.each(['57P01', '57P02', '57P05', '25P03'])(
    '%s ends the session, which is the business of its pool',
    (sqlState) => {
      for (const slow of [true, false]) expect(judge(sqlState, slow, 'FATAL')).toBe('neutral');
    },
  );

  it.each(['ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'EPIPE'])('%s is an outage', (code) => {
    expect(judge(code)).toBe('neutral');
    expect(judge(code, true)).toBe('neutral');
  });
});
