import type { LaneReply, LaneReport } from '../core/lane-places.js';
import { LANE_LEAVE_SCRIPT, LANE_SCRIPT, shaOf } from './lane-script.js';
import { LONG_MS, type RedisLink } from './redis-link.js';

const REPORT = { text: LANE_SCRIPT, sha: shaOf(LANE_SCRIPT) };
const LEAVE = { text: LANE_LEAVE_SCRIPT, sha: shaOf(LANE_LEAVE_SCRIPT) };

/** Which ledger, and who speaks with it. */
export interface LaneLedgerOptions {
  readonly link: RedisLink;
  readonly key: string;
  /** Names this process; unique in the fleet. */
  readonly id: string;
  /** Places in the whole fleet, as this process is configured. */
  readonly max: number;
}

/** The ledger of one lane in Redis, as one instance speaks with it. */
export class LaneLedger {
  readonly #options: LaneLedgerOptions;

  constructor(options: LaneLedgerOptions) {
    this.#options = options;
  }

  /** @throws Error where the answer does not come in time. */
  async ask(report: LaneReport): Promise<LaneReply> {
    const { link, key } = this.#options;
    return readReply(await link.run(REPORT, key, this.#saying(report)));
  }

  /** Says so to a Redis that is away: it may be merely slow. @throws Error where it cannot be heard. */
  async tell(report: LaneReport): Promise<LaneReply> {
    const { link, key } = this.#options;
    return readReply(await link.tell(REPORT, key, this.#saying(report)));
  }

  /** Takes this instance out, as far as Redis answers. Never rejects. */
  async leave(): Promise<void> {
    const { link, key, id } = this.#options;
    await link.run(LEAVE, key, [id]).catch(() => {});
  }

  #saying({ sequence, held, want, known, away, sinceMs }: LaneReport): (string | number)[] {
    const { id, max } = this.#options;
    return [id, max, sequence, held, want, Number(known), Number(away), Math.min(sinceMs, LONG_MS)];
  }
}

function readReply(answer: unknown): LaneReply {
  const [granted, max, others, waiting, instances, rank, closed] = Array.isArray(answer) ? answer.map(Number) : [];
  if (granted === undefined || max === undefined || others === undefined || waiting === undefined)
    throw new Error('the ledger of a lane answered what is no answer');
  if (instances === undefined || rank === undefined || closed === undefined)
    throw new Error('the ledger of a lane answered too little');
  return { granted, max, others, waiting, instances, rank, closed: closed === 1 };
}
