import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RedisServer } from '../support/redis-server.js';
import { sentBetween } from './calls.js';
import { AWAY_RATE, BURST, overshootOf, RedisShops } from './redis-shops.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F39 to F44: Redis fails under two shops that share a rate. No request waits for it, and none is told so.

/** B + N x n, with n = B / N: what may be admitted beyond the refill, whatever happens; and a tenth for the clocks. */
const MOST_BEYOND = 2 * BURST * 1.1;
/** Once the burst of the beginning is spent, and nothing may give another one. */
const LITTLE_BEYOND = 0.75 * BURST;
const RUN_MS = 3_400;
/** Sooner after its return its loss would be one of many, after each of which it has to answer for longer. */
const BEFORE_MS = 1_200;
const AWAY_MS = 800;
/** How long Redis may be back before everybody has noticed: a second where nothing else keeps the machine busy. */
const BACK_MS = 5_000;
/** A replica that comes is sent the data at once, and not only when others may have come too. */
const SYNCS_AT_ONCE = { settings: { 'repl-diskless-sync-delay': '0' } };

let redis: RedisServer;
let shops: RedisShops;

beforeAll(async () => {
  redis = await RedisServer.start(SYNCS_AT_ONCE);
  shops = await RedisShops.start(redis.port);
});
afterEach(async () => {
  shops.relay.delayMs = 0;
  redis.thaw();
  await until(() => shops.degraded(false), 5_000);
});
afterAll(async () => {
  await shops.close();
  await redis.close();
});

const admin = async <T>(work: (client: Redis) => Promise<T>, port = redis.port): Promise<T> => {
  const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 1, enableReadyCheck: false });
  client.on('error', () => undefined);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
};

/** Redis goes away under load and comes back; what must hold of every way in which it can. */
async function outage(goes: () => unknown, comes: () => unknown): Promise<void> {
  let goneAtMs = 0;
  let backAtMs = 0;
  const run = await shops.loadWhile(RUN_MS, async () => {
    await lasts(BEFORE_MS);
    await goes();
    await until(() => shops.degraded(true), 1_500);
    goneAtMs = Date.now();
    await shops.expectSeen(true);
    await lasts(AWAY_MS);
    backAtMs = Date.now();
    await comes();
    await until(() => shops.degraded(false), BACK_MS);
    await shops.expectSeen(false);
  });
  // Requests are served all the time, on the share that this class keeps, and what was prepaid.
  const away = sentBetween(run.admitted, goneAtMs + 200, backAtMs);
  const seconds = (backAtMs - goneAtMs - 200) / 1_000;
  expect(away.length).toBeGreaterThan(AWAY_RATE * seconds * 0.5);
  expect(away.length).toBeLessThan(AWAY_RATE * seconds + BURST);
  expect(overshootOf(run.admitted)).toBeLessThanOrEqual(MOST_BEYOND);
  expect(overshootOf(sentBetween(run.admitted, goneAtMs))).toBeLessThanOrEqual(BURST);
}

/** Something happens to a Redis that goes on answering: nobody lives on a share, and no second burst is given. */
async function blink(happens: () => unknown, most = LITTLE_BEYOND): Promise<void> {
  let atMs = 0;
  const run = await shops.loadWhile(RUN_MS - AWAY_MS, async () => {
    await lasts(BEFORE_MS);
    atMs = Date.now();
    await happens();
  });
  expect(overshootOf(run.admitted)).toBeLessThanOrEqual(MOST_BEYOND);
  expect(overshootOf(sentBetween(run.admitted, atMs))).toBeLessThanOrEqual(most);
  await until(() => shops.degraded(false), BACK_MS);
}

describeFault('F39: Redis is down', () => {
  it('later: the shops go on with their share, and return by themselves', async () => {
    await outage(
      () => redis.stop(),
      () => redis.start(),
    );
  });

  it('at the start: a shop starts at once, and joins when it comes', async () => {
    const late = await RedisServer.start();
    await late.stop();
    const beganAtMs = performance.now();
    const alone = await RedisShops.start(late.port, shops.postgres);
    try {
      expect(alone.degraded(true)).toBe(true);
      await alone.expectSeen(true);
      expect(performance.now() - beganAtMs).toBeLessThan(15_000);
      const run = await alone.loadWhile(1_500, async () => {
        await lasts(700);
        await late.start();
        await until(() => alone.degraded(false), BACK_MS);
      });
      await alone.expectSeen(false);
      expect(overshootOf(run.admitted)).toBeLessThanOrEqual(MOST_BEYOND);
    } finally {
      await alone.close();
      await late.close();
    }
  });
});

describeFault('F40: Redis hangs, or is slow', () => {
  it('stopped in the middle of its work', async () => {
    await outage(
      () => redis.freeze(),
      () => redis.thaw(),
    );
  });

  it('slower than anybody waits for it', async () => {
    await outage(
      () => {
        shops.relay.delayMs = 400;
      },
      () => {
        shops.relay.delayMs = 0;
      },
    );
  });

  it('slow, but in time: nobody lives on a share', async () => {
    // What is prepaid goes further.
    await blink(() => {
      shops.relay.delayMs = 50;
    }, BURST);
  });

  it('busy with a script that does not end', async () => {
    await outage(
      () => {
        void admin((client) => client.eval('while true do end', 0).catch(() => undefined));
      },
      () => admin((client) => client.script('KILL')),
    );
  });
});

describeFault('F41: Redis fails over to another server', () => {
  it('the shops go to where it is now', async () => {
    const next = await RedisServer.start(SYNCS_AT_ONCE);
    const first = redis;
    try {
      await admin((client) => client.replicaof('127.0.0.1', first.port), next.port);
      await until(() =>
        admin(async (client) => (await client.info('replication')).includes('link_status:up'), next.port),
      );
      await outage(
        () => admin((client) => client.replicaof('127.0.0.1', next.port)),
        async () => {
          await admin((client) => client.replicaof('NO', 'ONE'), next.port);
          shops.relay.leadTo(next.port);
        },
      );
    } finally {
      // Back, and again without a restart of anybody.
      await admin((client) => client.replicaof('NO', 'ONE'));
      await admin((client) => client.replicaof('127.0.0.1', first.port), next.port);
      shops.relay.leadTo(first.port);
      await until(() => shops.degraded(false), 5_000);
      await next.close();
    }
  });
});

describeFault('F42: Redis forgets', () => {
  it('everything: no second burst', () => blink(() => admin((client) => client.flushall())));

  it('its scripts: nobody notices', () => blink(() => admin((client) => client.script('FLUSH'))));
});

describeFault('F43: Redis has no memory left', () => {
  it('takes no writes until it has', async () => {
    await outage(
      () => admin((client) => client.config('SET', 'maxmemory', '1')),
      () => admin((client) => client.config('SET', 'maxmemory', '0')),
    );
  });
});

/**
 * What the clock of the server says is only ever compared with what stands in its keys. Redis cannot be run under a false
 * clock (libfaketime and its allocator do not bear each other), so what stands there is moved the other way.
 */
const SET_CLOCK = `
local by = tonumber(ARGV[1])
for _, key in ipairs(redis.call('KEYS', 'sluice:*:tokens:*')) do
  local state = redis.call('HGETALL', key)
  for index = 1, #state, 2 do
    local field, value = state[index], state[index + 1]
    if field == 'at' then redis.call('HSET', key, field, string.format('%d', value - by)) end
    local head, expires, tail = string.match(value, '^(%S+ %S+ %S+ )(%S+)( .*)$')
    if head then redis.call('HSET', key, field, head .. string.format('%d', expires - by) .. tail) end
  end
end
for _, key in ipairs(redis.call('KEYS', 'sluice:*:members')) do
  local book = redis.call('HGET', key, 'book')
  local moved = string.gsub(book, '"atMs":(%d+)', function(at) return '"atMs":' .. string.format('%d', at - by) end)
  redis.call('HSET', key, 'book', moved)
end
return #redis.call('KEYS', 'sluice:*')
`;

describeFault('F44: the clock of Redis is set', () => {
  // Further ahead, and keys are over their time to live: that is F42.
  it.each([8, -3_600])('by %i seconds', async (seconds) => {
    await blink(
      async () => {
        expect(await admin((client) => client.eval(SET_CLOCK, 0, seconds * 1_000))).toBeGreaterThan(1);
      },
      // What refills in the time that was skipped is a full bucket at most.
      LITTLE_BEYOND + (seconds > 0 ? BURST : 0),
    );
    for (const { gateway } of shops.shops) expect(gateway.snapshot().fleet?.instances).toBe(2);
  });
});
