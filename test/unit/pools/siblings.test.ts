import { expect, it } from 'vitest';
import type { Session, SessionDriver, SessionOwner } from '../../../src/pools/session.js';
import { SessionPool } from '../../../src/pools/session-pool.js';
import { FOREVER, Journal, STILL } from '../../contract/support.js';
import { VirtualClock } from './virtual-clock.js';

// A server that shuts down ends its sessions one after the other, and a busy one takes its time for that. What is not
// ended yet still answers: whoever believes it lends it to somebody who loses it.

/** A server whose sessions answer until they are ended. */
class DyingServer implements SessionDriver {
  readonly questions: number[] = [];
  readonly #owners = new Map<number, { owner: SessionOwner; session: Session }>();
  #opened = 0;
  /** Whether it takes new ones. */
  accepts = true;

  open(owner: SessionOwner): ReturnType<SessionDriver['open']> {
    if (!this.accepts) queueMicrotask(() => owner.onOpenFailed(new Error('refused')));
    else queueMicrotask(() => this.#opens(owner));
    return { abort: () => undefined };
  }

  #opens(owner: SessionOwner): void {
    const id = this.#opened++;
    const session = {
      id,
      alive: true,
      clean: true,
      validate: async () => {
        if (this.#owners.has(id)) this.questions.push(id);
        return this.#owners.has(id);
      },
    } as Partial<Session> as Session;
    this.#owners.set(id, { owner, session });
    owner.onOpen(session);
  }

  /** Hangs up on one, as MariaDB does: without a word. */
  end(id: number): void {
    const { owner, session } = this.#owners.get(id) ?? expect.fail(`no session ${id}`);
    this.#owners.delete(id);
    owner.onLost(session, Object.assign(new Error('gone'), { code: 'PROTOCOL_CONNECTION_LOST' }));
    owner.onClosed(session);
  }

  prepare(): never {
    throw new Error('nobody changes the login');
  }
  classify = () => 'connection_lost' as const;
  connectTrouble = () => 'unreachable' as const;
  isOutage = () => true;
}

/** So that what has been settled is heard of. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function opened(sessions: number) {
  const clock = new VirtualClock();
  const server = new DyingServer();
  const listener = new Journal();
  const pool = new SessionPool({ ...STILL, name: 'main', listener, clock, max: sessions, minIdle: 0 }, server);
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await turn();
  };
  const lending = Array.from({ length: sessions }, () => pool.acquire(FOREVER));
  // They are opened a few at a time.
  while (pool.gauges().inUse < sessions) await advance(10);
  const lent = await Promise.all(lending);
  return { server, listener, pool, lent, advance };
}

it('asks the last of them only once nobody has been lost for as long as one loss takes to reach all', async () => {
  const { server, listener, pool, lent, advance } = await opened(4);
  server.accepts = false;
  server.end(0);
  void lent[3]?.release();
  for (const id of [1, 2]) {
    await advance(6);
    server.end(id);
  }
  await advance(7);
  // 19 ms after the first, which alone would have had its say after 8.
  expect(server.questions).toEqual([]);
  server.end(3);
  await advance(20);
  expect(listener.entries).toEqual(['up', 'down']);
  await pool.close(0);
});

it('asks the others soon where one was lost alone, and goes on with them', async () => {
  const { server, listener, pool, lent, advance } = await opened(2);
  server.accepts = false;
  server.end(0);
  void lent[1]?.release();
  await advance(7);
  expect(server.questions).toEqual([]);
  await advance(2);
  expect(server.questions).toEqual([1]);
  expect(listener.entries).toEqual(['up', 'down', 'up']);
  expect(pool.tryAcquire()?.id).toBe(1);
  server.end(1);
  await pool.close(0);
});
