import { expect, it } from 'vitest';
import { PoolModel } from './pool-model.js';

it.each([
  { feasibility: true, fate: 'deadline_unreachable', refusedAtMs: 300 },
  { feasibility: false, fate: 'answered', refusedAtMs: undefined },
])('feasibility $feasibility: who waits behind more than expected is $fate', ({ feasibility, fate, refusedAtMs }) => {
  const model = new PoolModel(1, { work: { deadlineMs: 500 } }, { feasibility, eviction: false });
  for (let n = 0; n < 20; n++) {
    model.request('work', 200);
    model.clock.runUntil(model.clock.nowMs() + 250);
  }
  const p90Ms = model.p90Ms('work');
  expect(p90Ms).toBeGreaterThan(180);
  const fromMs = model.clock.nowMs();
  model.request('work', 400);
  const second = model.request('work', 50);
  model.clock.runUntil(model.clock.nowMs() + 1_000);
  expect(second.refusal?.code ?? (second.answeredAtMs === undefined ? 'nothing' : 'answered')).toBe(fate);
  if (refusedAtMs !== undefined) expect((second.answeredAtMs ?? 0) - fromMs).toBeCloseTo(500 - p90Ms, -1);
  else expect(second.startedAtMs).toBe(fromMs + 400);
});
