import { describe, expect, it } from 'vitest';
import { MysqlSessionEnd } from '../../../src/pools/mysql-session-end.js';
import { PgSessionEnd } from '../../../src/pools/pg-session-end.js';
import { PG_WORDS } from '../../../src/pools/pg-words.js';
import type { Session } from '../../../src/pools/session.js';
import type { SessionEnd, SessionEndParts } from '../../../src/pools/session-end.js';
import { SignsOfLife } from '../../../src/pools/signs-of-life.js';
import { StatementLine } from '../../../src/pools/statement-line.js';
import { ScriptedWire } from './scripted-wire.js';
import { VirtualClock } from './virtual-clock.js';

/** The session itself has no part in its end: its owner is only told which one it is. */
const SESSION = { id: 1 } as Session;
const TERMS = { leavesTrace: false, commits: false };

function make(maxBytes = 100) {
  const clock = new VirtualClock();
  const wire = new ScriptedWire();
  const line = new StatementLine(wire, PG_WORDS);
  const told: string[] = [];
  let deliver: (taken: boolean) => void = () => undefined;
  const tell =
    (what: string): (() => void) =>
    () =>
      void told.push(what);
  const parts: SessionEndParts = {
    wire,
    line,
    clock,
    resultBound: { pool: 'main', maxBytes },
    owner: {
      onOpen: tell('open'),
      onOpenFailed: tell('open failed'),
      onLost: tell('lost'),
      onSilent: tell('silent'),
      onReadOnly: tell('read-only'),
      onClosed: tell('closed'),
      onCancelSent: tell('cancel'),
    },
    link: {
      end: tell('goodbye'),
      hangUp: tell('hang up'),
      tellToStop: () => new Promise((resolve) => (deliver = resolve)),
    },
  };
  /** Runs a statement; resolves to what it fails with. */
  const run = (): Promise<unknown> => line.submit('SELECT 1', undefined, TERMS).then(String, (error: unknown) => error);
  const delivered = async (taken: boolean): Promise<void> => {
    deliver(taken);
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
  };
  return { clock, wire, line, told, parts, run, delivered };
}

const pg = (made: ReturnType<typeof make>, shared = false): SessionEnd =>
  new PgSessionEnd(SESSION, made.parts, { shared, onStuck: () => made.told.push('stuck') });

function mysql({ parts, clock, wire, line }: ReturnType<typeof make>): SessionEnd {
  const give = (): Promise<void> => Promise.resolve();
  const life = new SignsOfLife({ clock, waitTimeoutMs: 30_000, wire, line, give, onSilent: () => undefined });
  return new MysqlSessionEnd(SESSION, parts, life);
}

const CLOSED = new Error('the socket is closed');

describe('the end of a session', () => {
  it.each([pg, mysql])('is told once, whatever else is reported of it', async (engine) => {
    const made = make();
    const end = engine(made);
    end.lose(new Error('reset'));
    end.lose(new Error('reset again'));
    end.onClosed(CLOSED);
    end.onClosed(CLOSED);
    expect(made.told).toEqual(['hang up', 'lost', 'closed']);
    expect(made.line.ended?.message).toBe('reset');
  });

  it.each([pg, mysql])('frees the place of one at work only when its server was told to stop', async (engine) => {
    const made = make();
    const end = engine(made);
    const statement = made.run();
    end.destroy();
    expect(await statement).toMatchObject({ name: 'ConnectionEndedError' });
    end.onClosed(CLOSED);
    expect(made.told).toEqual(['cancel', 'goodbye']);
    await made.delivered(true);
    expect(made.told).toEqual(['cancel', 'goodbye', 'closed']);
  });

  it.each([pg, mysql])('stops an answer that is too large, on the server too', async (engine) => {
    const made = make();
    const end = engine(made);
    const statement = made.run();
    end.onReceived(100);
    expect(made.told).toEqual([]);
    end.onReceived(1);
    expect(await statement).toMatchObject({ name: 'ResultTooLargeError', maxBytes: 100 });
    expect(made.told).toEqual(['cancel', 'hang up']);
  });

  it.each([pg, mysql])('waits half a second for the server to hang up on one at rest', (engine) => {
    const made = make();
    engine(made).retire();
    made.clock.advance(499);
    expect(made.told).toEqual(['goodbye']);
    made.clock.advance(1);
    expect(made.told).toEqual(['goodbye', 'hang up']);
  });

  it('says goodbye to a pooler only when the cancel was delivered', async () => {
    const made = make();
    const end = pg(made, true);
    void made.run();
    end.destroy();
    expect(made.told).toEqual(['cancel']);
    await made.delivered(true);
    expect(made.told).toEqual(['cancel', 'goodbye']);
  });

  it('keeps the place of one that its server does not stop, for ten seconds', async () => {
    const made = make();
    const end = pg(made);
    void made.run();
    end.destroy();
    await made.delivered(true);
    made.clock.advance(500);
    expect(made.told).toEqual(['cancel', 'goodbye', 'stuck']);
    made.clock.advance(10_000);
    expect(made.told.at(-1)).toBe('hang up');
  });

  it.each([
    ['PostgreSQL', pg],
    ['MySQL', mysql],
  ])('does not keep the place of one at work for so long when nobody needs it (%s)', async (_, engine) => {
    const [stuck, later, free] = [make(), make(), make()];
    const ends = [stuck, later].map((made) => engine(made));
    for (const [index, made] of [stuck, later].entries()) {
      void made.run();
      if (made === later) ends[index]?.hurry();
      ends[index]?.destroy();
      await made.delivered(true);
      made.clock.advance(499);
      expect(made.told).toEqual(['cancel', 'goodbye']);
      made.clock.advance(1_501);
    }
    expect(later.told.at(-1)).toBe('hang up');
    expect(stuck.told).not.toContain('hang up');
    ends[0]?.hurry();
    stuck.clock.advance(1_499);
    expect(stuck.told).not.toContain('hang up');
    stuck.clock.advance(1);
    expect(stuck.told.at(-1)).toBe('hang up');
    // One that has not ended yet is left alone.
    engine(free).hurry();
    free.clock.advance(60_000);
    expect(free.told).toEqual([]);
  });

  it('has MySQL told of one that is lost at work: it does not look for its clients', async () => {
    const made = make();
    const end = mysql(made);
    void made.run();
    end.lose(new Error('reset'));
    end.onClosed(CLOSED);
    expect(made.told).toEqual(['hang up', 'lost']);
    await made.delivered(true);
    expect(made.told).toEqual(['hang up', 'lost', 'closed']);
    expect(made.clock.armed).toBe(0);
  });

  it('waits for MySQL to stop one at work, unless it could not be told', async () => {
    const [waiting, untold] = [make(), make()];
    for (const [made, taken] of [
      [waiting, true],
      [untold, false],
    ] as const) {
      const end = mysql(made);
      void made.run();
      end.destroy();
      await made.delivered(taken);
    }
    waiting.clock.advance(9_999);
    expect(waiting.told).toEqual(['cancel', 'goodbye']);
    waiting.clock.advance(1);
    expect(waiting.told.at(-1)).toBe('hang up');
    expect(untold.told).toEqual(['cancel', 'goodbye', 'hang up']);
  });
});
