import type { Gateway } from 'sluice';
import { expect } from 'vitest';
import { until } from '../../contract/support.js';

/** A gateway whose pool `main` logs in as `old_app`, with a route `work`, on a server that has a table `kept`. */
export interface RotatingGateway {
  readonly gateway: Gateway;
  /** Of `new_app`. */
  readonly password: string;
  readonly callers: number;
  /** The user of a request that is made now. */
  userOfWork(): Promise<unknown>;
  /** Everybody who has a session, in order. */
  usersOnServer(): Promise<string[]>;
  kept(): Promise<unknown[]>;
}

/**
 * Rotates to `new_app` under load, with a transaction that is older than the change and outlives it. Sees that every
 * request is answered, that the transaction commits, and that the rotation is over when `old_app` is gone, not before.
 */
export async function rotateUnderLoad(on: RotatingGateway): Promise<void> {
  const { gateway, password, callers } = on;
  let answered = 0;
  let stop = false;
  const load = Array.from({ length: callers }, async () => {
    while (!stop) {
      await on.userOfWork();
      answered += 1;
    }
  });
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const transaction = gateway.run('work', (handle) =>
    handle.transaction(async (client) => {
      await client.query('INSERT INTO kept VALUES (1)');
      await finished;
      await client.query('INSERT INTO kept VALUES (2)');
    }),
  );
  await until(() => answered > 50);
  let rotated = false;
  const rotation = gateway.rotate('main', { user: 'new_app', password }).then(() => {
    rotated = true;
  });
  await until(async () => (await on.userOfWork()) === 'new_app');
  const atSwitch = answered;
  await until(() => answered > atSwitch + 50);
  expect(rotated).toBe(false);
  expect(await on.usersOnServer()).toEqual(['new_app', 'old_app']);
  finish();
  await transaction;
  await rotation;
  expect(await on.usersOnServer()).toEqual(['new_app']);
  stop = true;
  await Promise.all(load);
  expect(await on.kept()).toEqual([{ n: 1 }, { n: 2 }]);
  expect(gateway.snapshot().pools[0]?.connections).toMatchObject({ lost: 0, connectFailures: 0, cancels: 0 });
}
