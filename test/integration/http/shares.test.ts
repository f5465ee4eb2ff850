import type { Request, Response } from 'express';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../pools/pool-fixture.js';
import { type Bench, FRAMEWORKS, type Latch, latch, serve } from './harness.js';

describe.each(FRAMEWORKS)('what a request costs and whose it is, on %s', (_name, express) => {
  let bench: Bench;
  let started: string[];
  let gates: Map<string, Latch>;
  const bulkhead = () => bench.gateway.entry('work').runtime.gate?.bulkhead;
  /** Sends a request that waits for its latch once it runs. */
  const send = (name: string, headers: Readonly<Record<string, string>> = {}) => {
    gates.set(name, latch());
    return bench.request
      .get('/work')
      .set('x-name', name)
      .set(headers)
      .then((answer) => answer);
  };
  const finish = (name: string): void => gates.get(name)?.open();
  const queued = (count: number): Promise<void> => until(() => bulkhead()?.queued === count);
  const running = (...names: readonly string[]): Promise<void> =>
    until(() => names.every((name) => started.includes(name)));

  beforeAll(async () => {
    bench = await serve(
      {
        express,
        routes: {
          work: {
            concurrency: 3,
            deadlineMs: 10_000,
            costOf: (req) => (req.headers['x-cost'] === undefined ? undefined : Number(req.headers['x-cost'])),
            // What an application without types can return.
            tenantOf: (req) => JSON.parse(String(req.headers['x-tenant'] ?? 'null')),
          },
          keyed: { perCaller: { key: (req) => JSON.parse(String(req.headers['x-key'])), ratePerSecond: 1 } },
        },
      },
      (app, gateway) => {
        const work = async (req: Request, res: Response): Promise<void> => {
          const name = String(req.headers['x-name']);
          started.push(name);
          const before = req.sluice.seats;
          const returned = req.sluice.giveBack(Number(req.headers['x-give-back'] ?? 0));
          await gates.get(name)?.promise;
          res.json({ before, returned, after: req.sluice.seats });
        };
        app.get('/work', protect(gateway, 'work', {}, work));
        app.get('/keyed', protect(gateway, 'keyed'), (_req, res) => res.json({}));
      },
    );
  });
  afterEach(async () => {
    await bench.atRest();
  });
  afterAll(() => bench.close());
  const reset = (): void => {
    started = [];
    gates = new Map();
  };

  it('takes as many seats as its function says, and as the route has at most', async () => {
    reset();
    const wide = send('wide', { 'x-cost': '9' });
    await running('wide');
    expect(bulkhead()?.inFlight).toBe(3);
    const narrow = send('narrow');
    await queued(1);
    finish('wide');
    expect((await wide).body).toEqual({ before: 3, returned: 0, after: 3 });
    await running('narrow');
    expect(bulkhead()?.inFlight).toBe(1);
    finish('narrow');
    await narrow;
  });

  it.each(['0', '-1', '1.5', 'NaN', 'Infinity'])('counts a cost of %s as that of the route', async (cost) => {
    reset();
    const one = send('one', { 'x-cost': cost });
    await running('one');
    expect(bulkhead()?.inFlight).toBe(1);
    finish('one');
    expect((await one).status).toBe(200);
  });

  it('returns seats early, and keeps one', async () => {
    reset();
    const wide = send('wide', { 'x-cost': '3', 'x-give-back': '7' });
    await running('wide');
    expect(bulkhead()?.inFlight).toBe(1);
    finish('wide');
    expect((await wide).body).toEqual({ before: 3, returned: 2, after: 1 });
    expect(bulkhead()?.inFlight).toBe(0);
  });

  it('shares seats between tenants, however much one of them asks for', async () => {
    reset();
    const all = ['a', 'b', 'c'].map((name) => send(name));
    await running('a', 'b', 'c');
    // Tenants are told apart once they were served.
    const names = ['loud-1', 'loud-2', 'loud-3', 'loud-4', 'quiet-1', 'quiet-2'];
    for (const [index, name] of names.entries()) {
      all.push(send(name, { 'x-tenant': name.startsWith('loud') ? '"loud"' : '7' }));
      await queued(index + 1);
    }
    for (const name of ['a', 'b', 'c', ...names]) {
      await running(name);
      finish(name);
    }
    await Promise.all(all);
    reset();
    const again = ['a', 'b', 'c'].map((name) => send(name));
    await running('a', 'b', 'c');
    for (const [index, name] of names.entries()) {
      again.push(send(name, { 'x-tenant': name.startsWith('loud') ? '"loud"' : '7' }));
      await queued(index + 1);
    }
    for (const name of ['a', 'b', 'c']) finish(name);
    await until(() => started.length === 6);
    // Of three seats the quiet tenant gets its share, although four of the loud one were there first.
    expect(started.filter((name) => name.startsWith('quiet'))).not.toHaveLength(0);
    for (const name of names) finish(name);
    await Promise.all(again);
  });

  it('takes the name of a tenant or a caller that is none for no name, and numbers for their digits', async () => {
    reset();
    const nameless = send('nameless', { 'x-tenant': '{}' });
    await running('nameless');
    finish('nameless');
    expect((await nameless).status).toBe(200);
    await bench.request.get('/keyed').set('x-key', '["a"]').expect(200);
    await bench.request.get('/keyed').set('x-key', '["a"]').expect(200);
    expect([...bench.log.of('tenant_unusable'), ...bench.log.of('caller_key_unusable')]).toEqual([
      expect.stringContaining('routes.work.tenantOf returned a value of type object: return a string, or undefined'),
      expect.stringContaining('routes.keyed.perCaller.key returned a list: return a string, or undefined for none'),
    ]);
    await bench.request.get('/keyed').set('x-key', '17').expect(200);
    await bench.request.get('/keyed').set('x-key', '"17"').expect(429);
    await bench.request.get('/keyed').set('x-key', 'null').expect(200);
  });
});

describe('work outside HTTP', () => {
  it('names its tenant and its cost', async () => {
    const bench = await serve({ routes: { work: { concurrency: 2 } } }, () => {});
    const { gateway } = bench;
    expect(await gateway.run('work', async ({ seats }) => seats, { cost: 2, tenant: 'nightly' })).toBe(2);
    expect(await gateway.run('work', async (handle) => handle.giveBack(1), { cost: 2 })).toBe(1);
    await expect(gateway.run('work', async () => 1, { cost: 0.5 })).rejects.toThrow('cost is 0.5: give a whole number');
    await bench.close();
  });

  it.each([
    [{ tenant: 5 }, 'tenant is 5: give a string, or leave it out'],
    [{ tenant: null }, 'tenant is a value of type null: give a string, or leave it out'],
    [{ callerKey: ['secret'] }, 'callerKey is a value of type object: give a string, or leave it out'],
    [{ budgetMs: '50' }, 'budgetMs is 50: give milliseconds, or leave it out'],
    [{ cost: '2' }, 'cost is 2: give a whole number from 1, or leave it out'],
  ])('names the option that cannot be used: %j', async (options, message) => {
    const bench = await serve({ routes: { work: { concurrency: 2 } } }, () => {});
    const untyped = options as object;
    await expect(bench.gateway.run('work', async () => 1, untyped)).rejects.toThrow(new RegExp(`^${message}$`));
    expect(bench.stats('work').arrived).toBe(0);
    await bench.close();
  });
});
