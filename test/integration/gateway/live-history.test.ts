import { createGateway, type Gateway } from 'sluice';
import { afterEach, expect, it } from 'vitest';
import { LogBook } from '../http/harness.js';

let gateway: Gateway | undefined;
let log: LogBook;
afterEach(() => gateway?.drain({ timeoutMs: 0 }));

async function start(): Promise<Gateway> {
  log = new LogBook();
  gateway = await createGateway({ maxEventLoopLagMs: 0, routes: { work: {} } }, { env: {}, logger: log });
  return gateway;
}

it('undoes only what still holds, and remembers a hundred', async () => {
  const gateway = await start();
  const { liveChanges } = gateway;
  const first = liveChanges.set('routes.work.deadlineMs', 1_000);
  const second = liveChanges.set('routes.work.deadlineMs', 2_000);
  expect(() => liveChanges.undo(first.id)).toThrow(RangeError);
  liveChanges.undo(second.id);
  liveChanges.undo(first.id);
  expect(liveChanges.settings()).toContainEqual(
    expect.objectContaining({ path: 'routes.work.deadlineMs', value: 10_000, changed: false }),
  );
  expect(liveChanges.history().map(({ id, undone }) => [id, undone])).toEqual([
    [2, true],
    [1, true],
  ]);
  for (let count = 1; count <= 150; count += 1) liveChanges.set('routes.work.maxQueued', count);
  expect(liveChanges.history()).toHaveLength(100);
  expect(gateway.config.routes.get('work')?.deadlineMs).toBe(10_000);
});

it('remembers of each setting the last change that can be undone, whatever was changed since', async () => {
  const { liveChanges } = await start();
  const last = liveChanges.set('routes.work.deadlineMs', 1_000);
  for (let count = 1; count <= 300; count += 1) liveChanges.set('routes.work.maxQueued', count);
  expect(liveChanges.history()).toHaveLength(100);
  expect(liveChanges.history().at(-1)).toMatchObject({ id: last.id, undo: true });
  expect(() => liveChanges.undo(2)).toThrow(/^change 2 cannot be undone and is no longer remembered: only the last/);
  expect(() => liveChanges.undo(5_000)).toThrow(/^change 5000 cannot be undone: only the last/);
  expect(liveChanges.undo(last.id)).toMatchObject({ to: 1_000, from: 10_000, undone: true });
  // From now on it is one like the others.
  liveChanges.set('routes.work.maxQueued', 1);
  expect(liveChanges.history().map(({ path }) => path)).not.toContain('routes.work.deadlineMs');
});

it('takes a value that a setting has already for no change', async () => {
  const { liveChanges } = await start();
  const change = liveChanges.set('routes.work.deadlineMs', '10000');
  expect(change).toMatchObject({ id: 0, from: 10_000, to: 10_000, undone: false, undo: false });
  expect([liveChanges.history(), log.entries]).toEqual([[], []]);
  expect(() => liveChanges.undo(change.id)).toThrow(/^change 0 cannot be undone: only/);
});
