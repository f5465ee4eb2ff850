import {
  type FleetBook,
  HEARTBEAT_MS,
  leave,
  type MemberReply,
  type MemberReport,
  meet,
} from '../../../src/core/fleet-book.js';
import type { ServerShare } from '../../../src/core/fleet-share.js';

/** What the server has for the fleet. */
export const ROOM = 40;
/** What each instance would have. */
export const WISH = 20;

/** An instance that does as it is told. */
export class Instance {
  readonly id: string;
  ceiling = 0;
  open = 0;
  known = false;
  room: number | undefined = ROOM;
  gone: readonly string[] = [];
  left: number | undefined;
  strangers: number | undefined;
  server = 'db';
  aliases: readonly string[] = [];
  reply: MemberReply | undefined;

  constructor(id: string) {
    this.id = id;
  }

  get report(): MemberReport {
    const held = Math.max(this.ceiling, this.open);
    const { id, known, open, gone, left, strangers, room, server, aliases } = this;
    const told = Object.fromEntries(
      Object.entries({ room, left, strangers }).filter(([, value]) => value !== undefined),
    );
    return { id, known, fields: 'same', needs: [{ server, aliases, wish: WISH, least: 2, held, open, gone, ...told }] };
  }

  hear(reply: MemberReply): void {
    this.reply = reply;
    this.known = true;
    this.ceiling = this.share.granted;
  }

  get share(): ServerShare {
    const share = this.reply?.shares[0];
    if (share === undefined) throw new Error('it was told nothing of the server');
    return share;
  }
}

/** The book, and who writes into it. */
export class World {
  book: FleetBook | undefined;
  nowMs = 1_000_000;

  beat(instance: Instance): MemberReply {
    const { book, reply } = meet(this.book, this.nowMs, instance.report);
    this.book = book;
    instance.hear(reply);
    return reply;
  }

  leave(instance: Instance): void {
    if (this.book !== undefined) this.book = leave(this.book, this.nowMs, instance.id);
  }

  /** Heartbeats of these, again and again; what they may open they open. */
  pass(ms: number, instances: readonly Instance[]): void {
    for (let rest = ms; rest > 0; rest -= HEARTBEAT_MS) {
      this.nowMs += Math.min(rest, HEARTBEAT_MS);
      for (const instance of instances) {
        this.beat(instance);
        instance.open = instance.ceiling;
      }
    }
  }
}

/** So many, each with its part. */
export function fleet(count: number): { world: World; instances: Instance[] } {
  const world = new World();
  const instances = Array.from({ length: count }, (_, n) => new Instance(`i${n}`));
  world.pass(5 * HEARTBEAT_MS, instances);
  return { world, instances };
}

export const ceilings = (instances: readonly Instance[]): number[] => instances.map(({ ceiling }) => ceiling);
