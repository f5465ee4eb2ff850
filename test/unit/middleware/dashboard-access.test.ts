import type { IncomingMessage } from 'node:http';
import express5 from 'express';
import type { OperationsOptions } from 'sluice/express';
import { afterEach, describe, expect, test } from 'vitest';
import { JumpClock } from '../../integration/gateway/jump-clock.js';
import { until } from '../../integration/pools/pool-fixture.js';
import { closeAll, listen, serve, warned, warnedCodes } from './dashboard-serve.js';

afterEach(closeAll);

/** Reads until the stream ends in order; one that is cut off rejects. */
async function end(stream: IncomingMessage): Promise<void> {
  for await (const _ of stream);
}

/** A mount whose `authorize` is asked by whatever `says` is then. */
async function mount() {
  const clock = new JumpClock();
  const mounted = { says: (): unknown => true, asked: 0, paths: [] as string[], clock };
  const authorize = ((req) => {
    mounted.asked += 1;
    mounted.paths.push(`${req.baseUrl}${req.path} ${req.get('host') !== undefined}`);
    return mounted.says();
  }) as NonNullable<OperationsOptions['authorize']>;
  const { server } = await serve({ authorize }, express5, true, clock);
  return { mounted, server };
}

test('who says nothing at the first question does not keep a page waiting for ever, and is told of', async () => {
  const { mounted, server } = await mount();
  warned.length = 0;
  mounted.says = () => new Promise(() => undefined);
  const answer = listen(server);
  await until(() => mounted.asked === 1);
  mounted.clock.jump(10_001);
  expect((await answer).statusCode).toBe(503);
  expect(warned).toEqual([
    'authorize of operations() gave no answer within 10 s: nobody may look then; let it return true or false. This is ' +
      'said once',
  ]);
  mounted.says = () => true;
  expect((await listen(server)).statusCode).toBe(200);
});

describe('who looks is asked for again every 15 s', () => {
  test.each<[how: string, says: () => unknown]>([
    ['refuses', () => false],
    ['refuses by a promise', () => Promise.resolve(false)],
    ['says neither', () => 'yes'],
    [
      'throws',
      () => {
        throw new Error('no session store');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no session store'))],
  ])('and is let go by a check that %s', async (_how, says) => {
    const { mounted, server } = await mount();
    const stream = await listen(server);
    mounted.says = says;
    mounted.clock.jump(14_000);
    await until(() => mounted.clock.expects(0, 1_000));
    expect(mounted.asked).toBe(1);
    mounted.clock.jump(1_001);
    await end(stream);
    expect(mounted.asked).toBe(2);
    expect(mounted.paths).toEqual(['/ops/events true', '/ops/events true']);
    expect([403, 500]).toContain((await listen(server)).statusCode);
  });

  test('and is let go by a check that does not answer, of which there is one at a time', async () => {
    const { mounted, server } = await mount();
    const stream = await listen(server);
    mounted.says = () => new Promise(() => undefined);
    mounted.clock.jump(15_001);
    await until(() => mounted.asked === 2);
    mounted.clock.jump(10_001);
    await end(stream);
    mounted.clock.jump(15_001);
    mounted.says = () => true;
    expect((await listen(server)).statusCode).toBe(200);
    expect(mounted.asked).toBe(3);
  });

  test('and goes on where he still may; nobody asks for one who has left', async () => {
    const { mounted, server } = await mount();
    const stream = await listen(server);
    let over = false;
    stream.resume().once('close', () => {
      over = true;
    });
    for (const asked of [2, 3]) {
      mounted.clock.jump(15_001);
      await until(() => mounted.asked === asked);
      // The next question is on its way.
      await until(() => mounted.clock.expects(14_000, 15_000));
    }
    expect(over).toBe(false);
    stream.destroy();
    await until(() => !mounted.clock.expects(10_000, 15_000));
    mounted.clock.jump(15_001);
    expect(mounted.asked).toBe(3);
  });

  test('a check that throws later is told like one that throws at once', async () => {
    const { mounted, server } = await mount();
    const stream = await listen(server);
    warnedCodes.length = 0;
    mounted.says = () => Promise.reject(new Error('no session store'));
    mounted.clock.jump(15_001);
    await end(stream);
    expect(warnedCodes).toEqual(['authorize_failed']);
  });
});
