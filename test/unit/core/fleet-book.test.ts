import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { die, type FleetBook, firstBook, HEARTBEAT_MS, LEASE_MS, meet } from '../../../src/core/fleet-book.js';
import { GHOST_MS } from '../../../src/core/fleet-ghosts.js';
import { ceilings, fleet, Instance, ROOM, WISH, World } from './fleet-book-world.js';

describe('the book of a fleet', () => {
  it('gives all that they wish as long as there is room, and equal parts beyond', () => {
    expect(ceilings(fleet(1).instances)).toEqual([20]);
    expect(ceilings(fleet(2).instances)).toEqual([20, 20]);
    expect(ceilings(fleet(3).instances)).toEqual([13, 13, 13]);
    expect(fleet(8).instances.map(({ reply }) => reply?.live)).toEqual(Array(8).fill(8));
  });

  it('lets a newcomer wait until the others have shrunk', () => {
    const { world, instances } = fleet(2);
    const late = new Instance('late');
    world.beat(late);
    expect(late.share).toMatchObject({ granted: 0, target: 13, room: ROOM });
    for (const instance of instances) world.beat(instance);
    expect(ceilings(instances)).toEqual([13, 13]);
    // They still have what they are to give up.
    world.beat(late);
    expect(late.ceiling).toBe(0);
    (instances[0] as Instance).open = 13;
    world.beat(instances[0] as Instance);
    world.beat(late);
    expect(late.ceiling).toBe(7);
  });

  it('gives the part of one that has ended to the others at once', () => {
    const { world, instances } = fleet(3);
    const [first, ...rest] = instances as [Instance, ...Instance[]];
    world.leave(first);
    world.pass(HEARTBEAT_MS, rest);
    expect(ceilings(rest)).toEqual([20, 20]);
  });

  it('keeps the part of a dead one until its sessions are gone, or a bound has passed', () => {
    for (const seen of [true, false]) {
      const { world, instances } = fleet(3);
      const [victim, ...rest] = instances as [Instance, ...Instance[]];
      world.pass(LEASE_MS + HEARTBEAT_MS, rest);
      // It is dead, and the others have one third each and one that nobody had.
      expect(rest.map(({ share }) => share.ghosts)).toEqual([[victim.id], [victim.id]]);
      expect(rest.map(({ share }) => share.target)).toEqual([20, 20]);
      expect(ceilings(rest).reduce((sum, one) => sum + one, 0)).toBe(ROOM - 13);
      if (seen) (rest[0] as Instance).gone = [victim.id];
      else world.pass(GHOST_MS, rest);
      world.pass(2 * HEARTBEAT_MS, rest);
      expect(ceilings(rest)).toEqual([20, 20]);
    }
  });

  it('takes an instance for dead at once that is known to have died', () => {
    const { world, instances } = fleet(2);
    const [victim, other] = instances as [Instance, Instance];
    world.book = die(world.book as FleetBook, world.nowMs, victim.id);
    expect(world.beat(other)).toMatchObject({ live: 1, shares: [{ ghosts: [victim.id] }] });
  });

  it.each([3_600_000, -3_600_000])('lets nobody die because the clock jumps by %i ms', (jumpMs) => {
    const { world, instances } = fleet(3);
    world.nowMs += jumpMs;
    expect(world.beat(instances[0] as Instance).live).toBe(3);
    world.pass(5 * HEARTBEAT_MS, instances);
    expect(instances.map(({ reply }) => reply?.live)).toEqual([3, 3, 3]);
    expect(ceilings(instances)).toEqual([13, 13, 13]);
  });

  it('gives nobody more when it was lost, until everybody has written again', () => {
    const { world, instances } = fleet(3);
    world.book = undefined;
    const [first, ...rest] = instances as [Instance, ...Instance[]];
    const late = new Instance('late');
    world.beat(first);
    world.beat(late);
    expect([first.ceiling, late.ceiling]).toEqual([13, 0]);
    world.pass(LEASE_MS + 2 * HEARTBEAT_MS, [first, late, ...rest]);
    expect(ceilings([first, late, ...rest])).toEqual([10, 10, 10, 10]);
  });

  it('gives one connection for each pool while nobody knows what the server has', () => {
    const world = new World();
    const first = new Instance('first');
    first.room = undefined;
    world.beat(first);
    expect(first.share).toMatchObject({ granted: 2, target: WISH });
    expect(first.share.room).toBeUndefined();
    first.room = ROOM;
    world.pass(2 * HEARTBEAT_MS, [first]);
    expect(first.ceiling).toBe(WISH);
  });

  it('gives all at once where there was surely no book before', () => {
    const world = new World();
    world.book = firstBook(world.nowMs);
    const first = new Instance('first');
    world.beat(first);
    expect([first.ceiling, first.reply?.settled]).toEqual([WISH, true]);
  });

  it('gives a newcomer nothing of a lost book that it is the first to write into again', () => {
    const { world, instances } = fleet(2);
    world.book = undefined;
    const late = new Instance('late');
    world.beat(late);
    late.open = late.ceiling;
    expect(late.ceiling).toBe(0);
    for (const instance of instances) world.beat(instance);
    world.beat(late);
    expect(late.ceiling).toBe(0);
    world.pass(LEASE_MS + 2 * HEARTBEAT_MS, [late, ...instances]);
    expect(ceilings([late, ...instances])).toEqual([13, 13, 13]);
  });

  it('gives a newcomer of a new book one connection for each pool: it has to find out what the server has', () => {
    const { world, instances } = fleet(2);
    world.book = undefined;
    const late = new Instance('late');
    late.room = undefined;
    world.beat(late);
    expect(late.ceiling).toBe(2);
    late.room = ROOM;
    world.beat(late);
    expect(late.ceiling).toBe(2);
    world.pass(LEASE_MS + 2 * HEARTBEAT_MS, [late, ...instances]);
    expect(ceilings([late, ...instances])).toEqual([13, 13, 13]);
  });

  it('says that it may not know everybody until everybody can have written again', () => {
    const { world, instances } = fleet(3);
    const settled = (): unknown[] => instances.map(({ reply }) => reply?.settled);
    expect(settled()).toEqual([true, true, true]);
    world.book = undefined;
    for (const instance of instances) world.beat(instance);
    expect(settled()).toEqual([false, false, false]);
    world.pass(LEASE_MS - HEARTBEAT_MS, instances);
    expect(settled()).toEqual([false, false, false]);
    world.pass(HEARTBEAT_MS, instances);
    expect(settled()).toEqual([true, true, true]);
  });

  it('keeps to the least room that anybody knows of', () => {
    const { world, instances } = fleet(2);
    const [one] = instances as [Instance];
    one.room = 30;
    world.pass(3 * HEARTBEAT_MS, instances);
    expect(ceilings(instances)).toEqual([15, 15]);
  });

  it('counts a server once that instances know by different names', () => {
    const { world, instances } = fleet(3);
    const [one, other, third] = instances as [Instance, Instance, Instance];
    // The first two have nothing in common but what the third knows of both.
    Object.assign(one, { server: 'a', aliases: ['10.0.0.1'] });
    Object.assign(other, { server: 'b', aliases: ['started at noon'] });
    Object.assign(third, { server: '10.0.0.1', aliases: ['started at noon'] });
    world.pass(5 * HEARTBEAT_MS, instances);
    expect(ceilings(instances)).toEqual([13, 13, 13]);
    expect(one.share).toMatchObject({ server: 'a', room: ROOM, othersOpen: 26 });
    // The dead one that links the others goes on doing so, and its part is kept.
    world.pass(LEASE_MS + HEARTBEAT_MS, [one, other]);
    expect([one.share.ghosts, other.share.ghosts]).toEqual([[third.id], [third.id]]);
    expect(one.ceiling + other.ceiling).toBe(ROOM - 13);
    one.gone = [third.id];
    world.pass(2 * HEARTBEAT_MS, [one, other]);
    // Nobody knows any more that it is one server.
    expect(ceilings([one, other])).toEqual([WISH, WISH]);
    expect(one.share.othersOpen).toBe(0);
  });

  it('grants no server twice to one that does not know yet that two of its own are the same', () => {
    const { world, instances } = fleet(1);
    const [known] = instances as [Instance];
    known.aliases = ['localhost'];
    world.beat(known);
    const need = { wish: WISH, least: 1, held: 0, open: 0, room: ROOM };
    const needs = [
      { server: 'db', ...need },
      { server: 'localhost', ...need },
    ];
    const { reply } = meet(world.book, world.nowMs, { id: 'late', known: false, fields: 'same', needs });
    const granted = reply.shares.map((share) => share.granted);
    expect(known.ceiling + granted.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(ROOM);
    expect(reply.shares.map(({ target }) => target)).toEqual([13, 13]);
  });

  it('tells what the configurations of others say, where they differ', () => {
    const { world, instances } = fleet(2);
    const [one, other] = instances as [Instance, Instance];
    expect(one.reply?.otherFields).toEqual([]);
    const met = meet(world.book, world.nowMs, { ...other.report, fields: 'different' });
    expect(met.reply.otherFields).toEqual(['same']);
    expect(meet(met.book, world.nowMs, one.report).reply.otherFields).toEqual(['different']);
  });
});

type Step = readonly [kind: 'beat' | 'lose' | 'join' | 'end' | 'kill' | 'flush' | 'move', who: number, ms: number];

/** Whatever happens, in any order. Instances of which the book hears in time have never more than the server's room. */
function wander(steps: readonly Step[]): void {
  const world = new World();
  let living: Instance[] = [];
  let ghosts: { readonly open: number; readonly untilMs: number }[] = [];
  let joined = 0;
  const join = (): void => {
    joined += 1;
    const instance = new Instance(`i${joined}`);
    world.beat(instance);
    living.push(instance);
  };
  join();
  for (const [kind, who, ms] of steps) {
    const one = living[who % Math.max(1, living.length)];
    world.nowMs += ms;
    // Nobody is late with a heartbeat: who is, is taken for dead.
    for (const instance of living) world.beat(instance);
    ghosts = ghosts.filter(({ untilMs }) => untilMs > world.nowMs);
    if (kind === 'join' && living.length < 9) join();
    if (one === undefined) continue;
    if (kind === 'lose') world.book = meet(world.book, world.nowMs, one.report).book;
    if (kind === 'flush') world.book = undefined;
    if (kind === 'flush' && who % 2 === 0) world.beat(one);
    // The first to write again may be one that was never there.
    if (kind === 'flush' && who % 2 === 1 && living.length < 9) join();
    if (kind === 'move') one.open = one.open > one.ceiling ? one.open - 1 : one.ceiling;
    if (kind === 'end') world.leave(one);
    if (kind === 'kill') ghosts.push({ open: one.open, untilMs: world.nowMs + 10_000 });
    if (kind === 'end' || kind === 'kill') living = living.filter((each) => each !== one);
    const open = [...living, ...ghosts].reduce((sum, each) => sum + each.open, 0);
    expect(open, JSON.stringify([kind, ceilings(living), living.map((each) => each.open), ghosts])).toBeLessThanOrEqual(
      ROOM,
    );
  }
}

it('never lets a fleet have more connections than there is room, whatever happens', () => {
  const kind = fc.constantFrom<Step[0][]>('beat', 'lose', 'join', 'end', 'kill', 'move', 'move', 'move');
  const step = fc.tuple(kind, fc.nat(50), fc.constantFrom(0, 10, 300, 1_000));
  fc.assert(fc.property(fc.array(step, { minLength: 50, maxLength: 150 }), wander), { numRuns: 300 });
});

it('nor when the book is lost while all live', () => {
  const kind = fc.constantFrom<Step[0][]>('beat', 'join', 'flush', 'move', 'move');
  const step = fc.tuple(kind, fc.nat(50), fc.constantFrom(10, 300, 1_000));
  fc.assert(fc.property(fc.array(step, { minLength: 50, maxLength: 150 }), wander), { numRuns: 200 });
});
