import { describe, expect, it } from 'vitest';
import { ConnectWarnings } from '../../../src/pools/connect-warnings.js';

describe('ConnectWarnings', () => {
  it('warns once about each kind of trouble until it is over', () => {
    const given: string[] = [];
    const warnings = new ConnectWarnings((code) => given.push(code));
    warnings.give('unreachable', new Error('connect ECONNREFUSED'));
    warnings.give('unreachable', new Error('connect ETIMEDOUT'));
    warnings.give('crowded', new Error('too many'));
    expect(given).toEqual(['database_unreachable', 'database_connections_exhausted']);
    warnings.clear();
    warnings.give('unreachable', new Error('connect ECONNREFUSED'));
    expect(given.slice(2)).toEqual(['database_reachable', 'database_unreachable']);
  });

  it('tells the end of what kept it from every connection, once, and not that of crowding', () => {
    const given: string[] = [];
    const warnings = new ConnectWarnings((code) => given.push(code));
    warnings.clear();
    warnings.give('crowded', new Error('too many'));
    warnings.clear();
    expect(given).toEqual(['database_connections_exhausted']);
    warnings.give('silent', new Error('no answer'));
    warnings.give('unreachable', new Error('refused'));
    warnings.clear('crowded');
    warnings.clear();
    expect(given.slice(1)).toEqual(['database_unreachable', 'database_unreachable', 'database_reachable']);
  });

  it('tells of a second time, while one kind of trouble lasts, only what was over meanwhile', () => {
    const given: string[] = [];
    const warnings = new ConnectWarnings((code) => given.push(code));
    const troubles = ['crowded', 'credentials'] as const;
    for (const trouble of troubles) warnings.give(trouble, new Error('refused'));
    warnings.clear('crowded');
    for (const trouble of troubles) warnings.give(trouble, new Error('refused'));
    expect(given).toEqual([
      'database_connections_exhausted',
      'database_credentials_refused',
      'database_reachable',
      'database_credentials_refused',
    ]);
  });

  it.each([
    [new Error('connect ECONNREFUSED 127.0.0.1:5432'), '(connect ECONNREFUSED 127.0.0.1:5432)'],
    [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), '(ECONNREFUSED)'],
    [new AggregateError([]), '(AggregateError)'],
    ['gone', '(gone)'],
  ])('names the reason of %s', (error, reason) => {
    let said = '';
    new ConnectWarnings((_, message) => {
      said = message;
    }).give('unreachable', error);
    expect(said).toContain(reason);
  });

  it.each([
    ['EMFILE', 'descriptors_exhausted', 'ulimit -n'],
    ['ENFILE', 'descriptors_exhausted', 'ulimit -n'],
    ['ENOMEM', 'memory_exhausted', 'memory of the host'],
    ['EADDRNOTAVAIL', 'ports_exhausted', 'ip_local_port_range'],
  ])('F60 tells %s of this host apart from a full server', (systemCode, code, remedy) => {
    const given: string[][] = [];
    const warnings = new ConnectWarnings((...warning) => given.push(warning));
    const error = Object.assign(new Error(`connect ${systemCode} 127.0.0.1:5432`), { code: systemCode });
    warnings.give('crowded', error);
    warnings.give('crowded', error);
    warnings.give('crowded', new Error('too many connections'));
    expect(given.map(([first]) => first)).toEqual([code, 'database_connections_exhausted']);
    expect(given[0]?.[1]).toContain(remedy);
    expect(given[0]?.[1]).toContain(systemCode);
  });
});
