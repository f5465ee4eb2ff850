import type { PoolAdvice } from 'sluice';
import { expect, it } from 'vitest';
import { PoolAdvisor } from '../../../src/core/advisor.js';
import { diagnose } from '../../../src/core/diagnosis.js';
import type { PoolFigures } from '../../../src/core/pool-figures.js';
import { withDiagnoses } from '../../../src/gateway/with-diagnoses.js';
import { snapshot } from '../../../src/telemetry/snapshot.js';
import { exampleSource } from '../telemetry/example-source.js';

/** The advice on a pool whose requests find it full, and take as long as ever. */
function growth(): PoolAdvice {
  const advisor = new PoolAdvisor(0, 4);
  const use = { route: 'buy', heldMs: 10, limit: 4 };
  for (let count = 0; count < 100; count += 1) advisor.ended(count, { ...use, waitMs: 0, found: 1, left: 1 });
  for (let count = 0; count < 200; count += 1) advisor.ended(200 + count, { ...use, waitMs: 9, found: 4, left: 4 });
  return advisor.advice(500);
}

/** What is advised beside what is found by these figures. */
function advisedBeside(figures: Partial<PoolFigures>) {
  const { source } = exampleSource();
  const [first, ...others] = Array.from(source.pools(), (pool) => ({ ...pool, advice: growth() }));
  if (first === undefined) throw new Error('the example has a pool');
  const routes = [
    { name: 'buy', ended: 200, heldMs: 2_000, quietMs: 10 },
    { name: 'find', ended: 100, heldMs: 1_000, quietMs: 10 },
  ];
  const scarce = { name: first.name, down: false, seats: 4, admitted: 300, waitedMs: 2_700, shed: 0, routes };
  const found = diagnose({ ...scarce, ...figures });
  const whole = withDiagnoses(snapshot({ ...source, pools: () => [first, ...others] }), [found]);
  return { found, advice: whole.pools[0]?.advice, diagnoses: whole.diagnoses, limit: first.seats.limit };
}

it.each<[fault: string, figures: Partial<PoolFigures>]>([
  ['lock_contention', { server: { active: 4, waitingForLocks: 3 } }],
  [
    'slow_query',
    {
      routes: [
        { name: 'buy', ended: 200, heldMs: 2_000, quietMs: 10 },
        { name: 'find', ended: 100, heldMs: 9_000, quietMs: 10 },
      ],
    },
  ],
  [
    'database_saturated',
    {
      routes: [{ name: 'buy', ended: 300, heldMs: 9_000, quietMs: 10 }],
      beside: [{ name: 'report', ended: 50, heldMs: 9_000, quietMs: 60 }],
    },
  ],
  ['unclear', { routes: [{ name: 'buy', ended: 300, heldMs: 9_000, quietMs: 10 }] }],
  ['database_down', { down: true }],
])('a pool is not to grow where %s is the matter', (fault, figures) => {
  const { found, advice, diagnoses, limit } = advisedBeside(figures);
  expect(found.fault).toBe(fault);
  expect(diagnoses).toEqual([found]);
  expect(advice).toEqual({
    action: 'leave',
    reason: 'database_busy',
    seats: limit,
    detail: `the pool is at its limit, but more seats would not help: ${found.detail}`,
  });
});

it('is to grow where that is what was found', () => {
  expect(growth()).toMatchObject({ action: 'grow', reason: 'room_in_database' });
  const { found, advice } = advisedBeside({});
  expect(found.fault).toBe('pool_too_small');
  expect(advice).toEqual(growth());
});
