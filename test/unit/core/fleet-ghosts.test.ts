import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FleetBook, HEARTBEAT_MS, LEASE_MS } from '../../../src/core/fleet-book.js';
import { GHOST_MS } from '../../../src/core/fleet-ghosts.js';
import { ceilings, fleet, Instance, ROOM, World } from './fleet-book-world.js';

/** Longer than the book remembers anybody of whom nobody sees anything. */
const LONG_MS = LEASE_MS + GHOST_MS + 2 * HEARTBEAT_MS;

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const members = ({ book }: World): string[] => (book as FleetBook).members.map(({ id }) => id);

/** One of three is not heard any more, and the others see so much of it. */
function silence(left: number): { world: World; silent: Instance; others: [Instance, Instance] } {
  const { world, instances } = fleet(3);
  const [silent, ...others] = instances as [Instance, Instance, Instance];
  for (const other of others) other.left = left;
  return { world, silent, others };
}

describe('the dead of a fleet', () => {
  it.each([
    [13, [13, 13]],
    // More is seen than it ever had: no more than that is charged.
    [30, [13, 13]],
    // The others divide what it has given up.
    [5, [17, 17]],
    [1, [19, 19]],
    [0, [20, 20]],
  ])('are charged what is seen of them, however long: %i sessions leave %j', (left, expected) => {
    const { world, others } = silence(left);
    world.pass(LONG_MS, others);
    expect(ceilings(others)).toEqual(expected);
    world.pass(10 * GHOST_MS, others);
    expect(ceilings(others)).toEqual(expected);
    // There is nothing more to come: nobody has to ask often.
    expect(others.map(({ share }) => share.target)).toEqual(expected);
    expect(others[0].share.charged).toBe(Math.min(left, 13));
  });

  it('keep all that they had at first, whatever is seen of it', () => {
    const { world, silent, others } = silence(1);
    world.pass(LEASE_MS + GHOST_MS, others);
    expect(sum(ceilings(others))).toBe(ROOM - silent.ceiling);
  });

  it('are forgotten when nobody has seen anything of them for a while', () => {
    const { world, silent, others } = silence(13);
    world.pass(LONG_MS, others);
    for (const other of others) other.left = undefined;
    world.pass(GHOST_MS, others);
    expect(ceilings(others)).toEqual([13, 13]);
    expect(others[0].share.ghosts).toEqual([silent.id]);
    world.pass(3 * HEARTBEAT_MS, others);
    expect(ceilings(others)).toEqual([20, 20]);
    expect(others[0].share.ghosts).toEqual([]);
  });

  it('are not gone because one sees nothing while another sees some', () => {
    const { world, silent, others } = silence(13);
    Object.assign(others[0], { left: 0, gone: [silent.id] });
    world.pass(LONG_MS, others);
    expect(ceilings(others)).toEqual([13, 13]);
    others[1].left = 0;
    world.pass(2 * HEARTBEAT_MS, others);
    expect(ceilings(others)).toEqual([20, 20]);
  });

  it('are not forgotten before another can have looked, when the one leaves that has seen them', () => {
    const { world, silent, others } = silence(13);
    const [one, other] = others;
    one.left = undefined;
    world.pass(LONG_MS, others);
    expect(one.ceiling).toBe(13);
    other.open = 0;
    world.leave(other);
    // Who has seen it has left, and the next one has not looked yet.
    world.pass(GHOST_MS - HEARTBEAT_MS, [one]);
    expect(one.ceiling).toBe(20);
    expect(one.share.ghosts).toEqual([silent.id]);
    const late = new Instance('late');
    late.left = 13;
    world.pass(3 * HEARTBEAT_MS, [one, late]);
    expect(sum(ceilings([one, late]))).toBeLessThanOrEqual(ROOM - 13);
  });

  it('cannot be told apart: all together are charged what is seen of them', () => {
    const { world, instances } = fleet(4);
    const [first, second, ...others] = instances as [Instance, Instance, Instance, Instance];
    for (const other of others) other.left = 10;
    world.pass(LEASE_MS, [second, ...others]);
    world.pass(LONG_MS + 5 * HEARTBEAT_MS, others);
    expect(others[0]?.share.ghosts.toSorted()).toEqual([first.id, second.id]);
    expect(ceilings(others)).toEqual([15, 15]);
    for (const other of others) other.left = 14;
    world.pass(3 * HEARTBEAT_MS, others);
    expect(ceilings(others)).toEqual([13, 13]);
  });

  it('are still remembered when one comes back whose sessions were taken for all', () => {
    const { world, instances } = fleet(4);
    const [back, lingers, ...others] = instances as [Instance, Instance, Instance, Instance];
    // It was granted ten, and has no more than two of them open, as the other one.
    back.ceiling = 2;
    for (const other of others) other.left = 4;
    world.pass(LEASE_MS, [lingers, ...others]);
    world.pass(LONG_MS + 5 * HEARTBEAT_MS, others);
    expect(ceilings(others)).toEqual([18, 18]);
    back.open = back.ceiling;
    world.beat(back);
    expect(back.share.ghosts).toEqual([lingers.id]);
    for (const other of others) other.left = 2;
    world.pass(5 * HEARTBEAT_MS, [back, ...others]);
    expect(sum(ceilings([back, ...others]))).toBe(36);
  });

  it('are no more than there are sessions, however many die', () => {
    const { world, others } = silence(3);
    for (let n = 0; n < 50; n += 1) {
      world.pass(2 * HEARTBEAT_MS, [new Instance(`crash${n}`), ...others]);
      world.pass(LONG_MS, others);
    }
    expect(members(world).length).toBeLessThanOrEqual(others.length + 3);
    expect(sum(ceilings(others))).toBeGreaterThanOrEqual(ROOM - 4);
  });

  it('may have started again under another name, while their old sessions are still there', () => {
    const { world, others } = silence(13);
    const again = new Instance('again');
    world.pass(LONG_MS + 3 * HEARTBEAT_MS, [again, ...others]);
    // 27 are left for three.
    expect(ceilings([again, ...others])).toEqual([9, 9, 9]);
    for (const instance of others) Object.assign(instance, { left: 0, gone: ['i0'] });
    world.pass(3 * HEARTBEAT_MS, [again, ...others]);
    expect(ceilings([again, ...others])).toEqual([13, 13, 13]);
  });

  it('may come back: what they had is theirs again, and nobody starts anew', () => {
    const { world, silent, others } = silence(13);
    world.pass(4 * GHOST_MS, others);
    const reply = world.beat(silent);
    expect([reply.live, reply.settled, silent.ceiling]).toEqual([3, true, 13]);
    for (const other of others) other.left = 0;
    world.pass(3 * HEARTBEAT_MS, [silent, ...others]);
    expect(ceilings([silent, ...others])).toEqual([13, 13, 13]);
    expect(others[0].share.ghosts).toEqual([]);
  });

  it('get back what was given away of them when they open it again', () => {
    const { world, others } = silence(5);
    world.pass(LONG_MS, others);
    expect(ceilings(others)).toEqual([17, 17]);
    for (const other of others) other.left = 13;
    world.pass(2 * HEARTBEAT_MS, others);
    expect(ceilings(others)).toEqual([13, 13]);
  });

  it('have a server under any of its names', () => {
    const { world, silent, others } = silence(13);
    const [one, other] = others;
    Object.assign(silent, { server: 'a', aliases: ['10.0.0.1'] });
    Object.assign(one, { server: 'b', aliases: ['started at noon'] });
    Object.assign(other, { server: '10.0.0.1', aliases: ['started at noon'], left: undefined });
    world.pass(5 * HEARTBEAT_MS, [silent, ...others]);
    world.pass(LONG_MS, others);
    expect(ceilings(others)).toEqual([13, 13]);
  });

  it('are kept by the time of the book, whatever the clock does', () => {
    const { world, others } = silence(13);
    world.pass(LONG_MS, others);
    for (const jumpMs of [3_600_000, -7_200_000]) {
      world.nowMs += jumpMs;
      for (const other of others) other.left = undefined;
      world.pass(2 * HEARTBEAT_MS, others);
      expect(ceilings(others)).toEqual([13, 13]);
      for (const other of others) other.left = 13;
      world.pass(2 * HEARTBEAT_MS, others);
    }
  });

  it('stand in a book that an instance wrote that knows nothing of it', () => {
    const { world, others } = silence(13);
    world.pass(LEASE_MS + HEARTBEAT_MS, others);
    const plain = JSON.parse(JSON.stringify(world.book), (key, value: unknown) =>
      ['left', 'seen', 'charge', 'strangers'].includes(key) ? undefined : value,
    ) as FleetBook;
    world.book = plain;
    world.pass(LONG_MS, others);
    expect(ceilings(others)).toEqual([13, 13]);
  });
});

it("tells the least that anybody has found of sessions that are nobody's, the dead included", () => {
  const { world, instances } = fleet(2);
  const [one, other] = instances as [Instance, Instance];
  expect(one.share.strangers).toBeUndefined();
  Object.assign(one, { strangers: 4 });
  Object.assign(other, { strangers: 3 });
  world.pass(HEARTBEAT_MS, instances);
  Object.assign(one, { strangers: 4 });
  world.pass(LEASE_MS + HEARTBEAT_MS, [one]);
  expect([one.share.strangers, one.share.ghosts]).toEqual([3, [other.id]]);
});

type Step = readonly [kind: 'beat' | 'join' | 'end' | 'kill' | 'cut' | 'back' | 'vanish', who: number, ms: number];

/**
 * Some are killed, and their sessions stay for as long as they like; some are cut off, and serve. Who writes has looked:
 * what it saw is all that the living do not have.
 */
function wander(steps: readonly Step[]): void {
  const world = new World();
  let living: Instance[] = [];
  let silent: { readonly instance: Instance; readonly serves: boolean; open: number }[] = [];
  let joined = 0;
  const unheard = (): number => sum(silent.map(({ open }) => open));
  const beat = (instance: Instance): void => {
    instance.left = unheard();
    instance.gone = instance.left === 0 ? (instance.reply?.shares[0]?.ghosts ?? []) : [];
    world.beat(instance);
    // It gives up at once what it is to give up, and opens what it may.
    instance.open = instance.ceiling;
  };
  const join = (): void => {
    joined += 1;
    const instance = new Instance(`i${joined}`);
    living.push(instance);
    beat(instance);
  };
  join();
  join();
  for (const [kind, who, ms] of steps) {
    world.nowMs += ms;
    for (const instance of living) beat(instance);
    const one = living[who % Math.max(1, living.length)];
    const far = silent[who % Math.max(1, silent.length)];
    if (kind === 'join' && living.length < 6) join();
    // One stays to see what the others leave.
    if (one !== undefined && living.length > 1 && (kind === 'end' || kind === 'kill' || kind === 'cut')) {
      living = living.filter((each) => each !== one);
      if (kind === 'end') world.leave(one);
      else silent.push({ instance: one, serves: kind === 'cut', open: one.open });
    }
    if (far !== undefined && kind === 'back' && far.serves) {
      silent = silent.filter((each) => each !== far);
      living.push(far.instance);
      beat(far.instance);
    }
    if (far !== undefined && kind === 'vanish' && !far.serves) far.open = 0;
    const open = sum([...living.map((each) => each.open), unheard()]);
    expect(open, JSON.stringify([kind, ceilings(living), silent])).toBeLessThanOrEqual(ROOM);
  }
}

it('never lets a fleet have more than there is room, with those that are cut off and those that linger', () => {
  const kind = fc.constantFrom<Step[0][]>('beat', 'beat', 'beat', 'join', 'end', 'kill', 'cut', 'back', 'vanish');
  const step = fc.tuple(kind, fc.nat(50), fc.constantFrom(10, 300, 1_000, 1_400));
  fc.assert(fc.property(fc.array(step, { minLength: 50, maxLength: 250 }), wander), { numRuns: 100 });
});
