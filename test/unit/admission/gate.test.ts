import { describe, expect, it } from 'vitest';
import { DeadlineTimer } from '../../../src/admission/deadline-timer.js';
import { Gate, type GateClient, type GateTicket } from '../../../src/admission/gate.js';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import { type RouteLoad, Ticket } from '../../../src/core/ticket.js';
import type { Refusal } from '../../../src/errors.js';
import { fixedTimes, routeLoad } from '../../support/tickets.js';
import { CountingClock } from './counting-clock.js';

const REFUSAL: Refusal = { code: 'draining', status: 503, outcome: 'not_started', detail: 'Going.', measured: {} };

/** A gate on a clock of its own that starts at 0, and a log of what its clients were told. */
function bench(options: { seats?: number; rideOutMs?: number } = {}) {
  const clock = new CountingClock();
  const timer = new DeadlineTimer(clock);
  const bulkhead = new Bulkhead<GateClient>({
    seats: options.seats ?? 1,
    servesTopClass: true,
    rideOutMs: options.rideOutMs ?? 2_000,
  });
  const gate = new Gate(bulkhead, clock, timer);
  const log: [name: string, told: string, atMs: number][] = [];
  const route = routeLoad({ times: fixedTimes(1), deadlineMs: 1e6, maxQueued: 1e5 });
  const ticket = (
    name: string,
    onLease: (one: GateTicket, nowMs: number) => void = () => {},
    on: RouteLoad = route,
  ) => {
    const client: GateClient = {
      onLease: (nowMs) => {
        log.push([name, 'leased', nowMs]);
        onLease(one, nowMs);
      },
      onShed: (nowMs, refusal) => log.push([name, refusal.code, nowMs]),
    };
    const one: GateTicket = new Ticket(client, on, 0, clock.nowMs(), clock.nowMs() + on.deadlineMs);
    return one;
  };
  const enter = (one: GateTicket): string => {
    const arrival = gate.enter(clock.nowMs(), one);
    return typeof arrival === 'string' ? arrival : arrival.code;
  };
  /** A queue of so many behind one that holds the seat; what each of them does when its turn comes. */
  const queueOf = (count: number, onLease: (one: GateTicket, nowMs: number) => void): GateTicket => {
    const first = ticket('first');
    enter(first);
    // Of no predicted work, so that no bound on work is met.
    const light = routeLoad({ times: fixedTimes(0), deadlineMs: 1e6, maxQueued: 1e5 });
    for (let n = 0; n < count; n++) expect(enter(ticket(`t${n}`, onLease, light))).toBe('queued');
    return first;
  };
  return { clock, gate, bulkhead, log, ticket, enter, queueOf };
}

describe('Gate', () => {
  it('hands a freed seat to the next, and tells nobody who got one on arrival', () => {
    const { clock, gate, log, ticket, enter } = bench();
    const [a, b, c] = [ticket('a'), ticket('b'), ticket('c')];
    expect([a, b, c].map(enter)).toEqual(['leased', 'queued', 'queued']);
    clock.advance(5);
    gate.leave(5, a);
    expect(log).toEqual([['b', 'leased', 5]]);
    gate.leave(7, b);
    expect(log.at(-1)).toEqual(['c', 'leased', 7]);
    gate.leave(8, c);
    expect(gate.bulkhead.inFlight).toBe(0);
  });

  it('tells those whose deadline has become hopeless, and goes on to the next', () => {
    const { gate, log, ticket, enter } = bench();
    const hasty = routeLoad({ name: 'hasty', deadlineMs: 50, times: fixedTimes(20), lastLeaseMs: 0 });
    const first = ticket('first');
    enter(first);
    enter(ticket('hasty', undefined, hasty));
    enter(ticket('patient'));
    gate.leave(40, first);
    expect(log).toEqual([
      ['hasty', 'deadline_unreachable', 40],
      ['patient', 'leased', 40],
    ]);
  });

  it('takes a seat back for a time, and hands it on meanwhile', () => {
    const { clock, gate, log, ticket, enter } = bench();
    const [outside, next] = [ticket('outside'), ticket('next')];
    enter(outside);
    enter(next);
    gate.stepOut(10, outside);
    clock.advance(30);
    expect([log, outside.state]).toEqual([[['next', 'leased', 10]], 'away']);
    enter(ticket('later'));
    expect(gate.bulkhead.comeBack(20, outside)).toBe('queued');
    gate.leave(30, next);
    expect(log.at(-1)).toEqual(['outside', 'leased', 30]);
  });

  it('serves a long line of requests that end at once without growing the stack', () => {
    const { gate, log, queueOf } = bench();
    let depth = 0;
    let deepest = 0;
    const first = queueOf(20_000, (one, nowMs) => {
      depth++;
      deepest = Math.max(deepest, depth);
      gate.leave(nowMs, one);
      depth--;
    });
    gate.leave(0, first);
    expect([log.length, deepest]).toEqual([20_000, 1]);
  });

  it('lets input in after 8 ms of handing out, and then goes on', () => {
    const { clock, gate, log, queueOf } = bench();
    const first = queueOf(40, (one, nowMs) => {
      clock.spend(1);
      gate.leave(nowMs, one);
    });
    clock.input(1, () => log.push(['input', 'arrived', clock.nowMs()]));
    gate.leave(0, first);
    expect(log).toHaveLength(16);
    clock.advance(100);
    expect(log.findIndex(([name]) => name === 'input')).toBeLessThanOrEqual(32);
    expect(log.filter(([, told]) => told === 'leased')).toHaveLength(40);
    expect(log.slice(0, 16).every(([, , atMs]) => atMs === 0)).toBe(true);
  });

  it('hands on what input has freed, however long the turn of the loop has lasted', () => {
    const { clock, gate, log, ticket, enter } = bench({ seats: 3 });
    const held = ['a', 'b', 'c'].map((name) => ticket(name));
    for (const each of [...held, ticket('d'), ticket('e'), ticket('f')]) enter(each);
    clock.advance(20);
    // Answers of the database in one turn, between which a crowd of newcomers is turned away.
    clock.input(0, () => {
      for (const each of held) {
        gate.leave(clock.nowMs(), each);
        clock.spend(15);
      }
    });
    clock.advance(0);
    expect(log).toEqual([
      ['d', 'leased', 20],
      ['e', 'leased', 35],
      ['f', 'leased', 50],
    ]);
  });

  it('lets input in after 8 ms of requests that end one after the other in one turn, and then goes on', () => {
    const { clock, gate, log, queueOf } = bench();
    // As handlers do that wait for nothing but promises: each comes to its end when the one before has.
    const ended: GateTicket[] = [];
    let longest = 0;
    const first = queueOf(40, (one) => ended.push(one));
    const turn = (): void => {
      const sinceMs = clock.nowMs();
      for (let one = ended.shift(); one !== undefined; one = ended.shift()) {
        clock.spend(1);
        gate.leave(clock.nowMs(), one);
      }
      longest = Math.max(longest, clock.nowMs() - sinceMs);
      if (log.length < 41) clock.input(0, turn);
    };
    ended.push(first);
    clock.input(0, turn);
    clock.input(1, () => log.push(['input', 'arrived', clock.nowMs()]));
    clock.advance(200);
    expect(log.filter(([, told]) => told === 'leased')).toHaveLength(40);
    expect(log.findIndex(([name]) => name === 'input')).toBeLessThanOrEqual(10);
    expect(longest).toBeLessThanOrEqual(10);
  });

  it('is ready for the next seat after a client threw', () => {
    const { gate, log, ticket, enter } = bench();
    const [first, faulty, next] = [
      ticket('first'),
      ticket('faulty', () => {
        throw new Error('a mistake');
      }),
      ticket('next'),
    ];
    for (const one of [first, faulty, next]) enter(one);
    expect(() => gate.leave(1, first)).toThrow('a mistake');
    gate.leave(2, faulty);
    expect(log.at(-1)).toEqual(['next', 'leased', 2]);
  });

  it('hands nothing out while the server is away, and everything when it is back', () => {
    const { clock, gate, log, ticket, enter } = bench({ seats: 2 });
    const first = ticket('first');
    enter(first);
    gate.down(0);
    for (const name of ['a', 'b']) expect(enter(ticket(name))).toBe('queued');
    gate.leave(5, first);
    clock.advance(1_999);
    expect(log).toEqual([]);
    gate.up(1_999);
    expect(log).toEqual([
      ['a', 'leased', 1_999],
      ['b', 'leased', 1_999],
    ]);
    expect(enter(ticket('c'))).toBe('queued');
    clock.advance(10_000);
    expect(log).toHaveLength(2);
  });

  it('gives those up who wait when an outage has lasted too long', () => {
    const { clock, gate, log, ticket, enter } = bench({ rideOutMs: 500 });
    gate.down(0);
    for (let n = 0; n < 100; n++) expect(enter(ticket(`t${n}`))).toBe('queued');
    clock.advance(499);
    expect(log).toEqual([]);
    clock.advance(50);
    expect(new Set(log.map(([, told]) => told))).toEqual(new Set(['database_unavailable']));
    expect([log.length, gate.bulkhead.queued, clock.armed]).toEqual([100, 0, 0]);
  });

  it('rides an outage out from its start, however often it is told of it', () => {
    const { clock, gate, log, ticket, enter } = bench({ rideOutMs: 500 });
    gate.down(0);
    enter(ticket('a'));
    clock.advance(400);
    gate.down(400);
    clock.advance(101);
    expect(log).toEqual([['a', 'database_unavailable', 500]]);
  });

  it('sheds everybody for one reason, each once, and serves those who come later', () => {
    const { clock, gate, log, queueOf } = bench();
    const first = queueOf(50, () => {});
    gate.shedAll(0, () => REFUSAL);
    clock.advance(10);
    expect(log).toHaveLength(50);
    expect(new Set(log.map(([, told]) => told))).toEqual(new Set(['draining']));
    gate.leave(10, first);
    const later = queueOf(40, (one, nowMs) => {
      clock.spend(1);
      gate.leave(nowMs, one);
    });
    gate.leave(10, later);
    clock.advance(100);
    expect(log.slice(50).map(([, told]) => told)).toEqual(Array.from({ length: 40 }, () => 'leased'));
  });

  it('tells those that an outage took by surprise, once it is known for one, and nobody who can wait', () => {
    const { clock, gate, log, ticket, enter } = bench();
    const route = (deadlineMs: number) => routeLoad({ name: `${deadlineMs}`, deadlineMs, times: fixedTimes(1) });
    gate.down(0);
    const brief = ['a', 'b'].map((name) => ticket(name, undefined, route(500)));
    for (const one of [...brief, ticket('patient', undefined, route(5_000))]) expect(enter(one)).toBe('queued');
    clock.advance(49);
    expect(log).toEqual([]);
    clock.advance(1);
    expect(log.toSorted()).toEqual([
      ['a', 'database_unavailable', 50],
      ['b', 'database_unavailable', 50],
    ]);
    expect(enter(ticket('late', undefined, route(500)))).toBe('database_unavailable');
    gate.up(60);
    expect(log.at(-1)).toEqual(['patient', 'leased', 60]);
  });

  it('tells nobody where it was only a session that ended', () => {
    const { clock, gate, log, ticket, enter } = bench();
    gate.down(0);
    enter(ticket('a', undefined, routeLoad({ deadlineMs: 500, times: fixedTimes(1) })));
    clock.advance(6);
    gate.up(6);
    gate.down(6);
    clock.advance(494);
    expect(log).toEqual([['a', 'leased', 6]]);
  });

  describe('somebody who has to leave for a newcomer', () => {
    /** A queue of four that is served newest first, and full: the next one makes the oldest leave. */
    function fullQueue() {
      const { clock, gate, log, ticket, enter } = bench();
      const slow = routeLoad({ deadlineMs: 2_000, times: fixedTimes(100) });
      const first = ticket('first', undefined, slow);
      enter(first);
      const waiting = ['a', 'b', 'c', 'd'].map((name) => ticket(name, undefined, slow));
      for (const one of waiting) expect(enter(one)).toBe('queued');
      clock.advance(101);
      return { clock, gate, log, enter, first, waiting, late: (name: string) => ticket(name, undefined, slow) };
    }

    it('is told in the same turn of the loop, but after the newcomer has its answer, once', () => {
      const { clock, log, enter, gate, late } = fullQueue();
      const answers: string[] = [];
      clock.input(0, () => {
        answers.push(enter(late('e')));
        expect(log).toEqual([]);
        answers.push(enter(late('f')));
        expect(log).toEqual([]);
      });
      clock.advance(0);
      expect(answers).toEqual(['queued', 'queued']);
      expect(log).toEqual([
        ['a', 'queue_full', 101],
        ['b', 'queue_full', 101],
      ]);
      clock.advance(10);
      expect([log.length, gate.bulkhead.queued, gate.bulkhead.leaving]).toEqual([2, 4, 0]);
    });

    it('is told while the server is away', () => {
      const { clock, gate, log, enter, late } = fullQueue();
      enter(late('e'));
      gate.down(101);
      clock.advance(0);
      expect(log).toEqual([['a', 'queue_full', 101]]);
    });

    it('hears nothing more when it left before it was told', () => {
      const { clock, gate, log, enter, waiting, late } = fullQueue();
      enter(late('e'));
      const [a] = waiting;
      expect(a !== undefined && gate.bulkhead.withdraw(101, a)).toBe(true);
      clock.advance(10);
      expect(log).toEqual([]);
    });

    it('is told by whoever hands out first', () => {
      const { clock, gate, log, enter, first, late } = fullQueue();
      enter(late('e'));
      gate.leave(101, first);
      expect(log.slice(0, 2)).toEqual([
        ['a', 'queue_full', 101],
        ['e', 'leased', 101],
      ]);
      clock.advance(10);
      expect(log).toHaveLength(2);
    });
  });

  it('hands seats on that a ticket returns early', () => {
    const { gate, log, enter } = bench({ seats: 2 });
    const route = routeLoad({ times: fixedTimes(1), deadlineMs: 1e6 });
    const client = (name: string): GateClient => ({
      onLease: (nowMs) => log.push([name, 'leased', nowMs]),
      onShed: (nowMs, refusal) => log.push([name, refusal.code, nowMs]),
    });
    const wide = new Ticket(client('wide'), route, 0, 0, 1e6, undefined, 2);
    enter(wide);
    enter(new Ticket(client('narrow'), route, 0, 0, 1e6));
    gate.giveBack(5, wide, 0);
    expect(log).toEqual([]);
    gate.giveBack(6, wide, 1);
    expect(log).toEqual([['narrow', 'leased', 6]]);
  });
});
