import type { LaneReply, LaneReport } from '../core/lane-places.js';
import { LANE_LEAVING, LANE_LEDGER } from './lane-script.js';
import { LONG_MS, type RedisLink } from './redis-link.js';
import { noAnswer, readFigures } from './script-answer.js';

/** Which ledger, and who speaks with it. */
export interface LaneLedgerOptions {
  readonly link: RedisLink;
  readonly key: string;
  /** Names this process; unique in the fleet. */
  readonly id: string;
  /** Places in the whole fleet, as this process is configured. */
  readonly max: number;
  /** There was something else than a ledger under this key, and is no more. */
  readonly onReplaced: (key: string) => void;
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
    return this.#heard(await link.run(LANE_LEDGER, key, this.#saying(report), readReply));
  }

  /** Says so to a Redis that is away: it may be merely slow. @throws Error where it cannot be heard. */
  async tell(report: LaneReport): Promise<LaneReply> {
    const { link, key } = this.#options;
    return this.#heard(readReply(await link.tell(LANE_LEDGER, key, this.#saying(report))));
  }

  /** Takes this instance out, as far as Redis answers. Never rejects. */
  async leave(): Promise<void> {
    const { link, key, id } = this.#options;
    await link.run(LANE_LEAVING, key, [id], () => undefined).catch(() => {});
  }

  #heard(reply: Reply): LaneReply {
    if (reply.replaced) this.#options.onReplaced(this.#options.key);
    return reply;
  }

  #saying({ sequence, held, want, known, away, sinceMs }: LaneReport): (string | number)[] {
    const { id, max } = this.#options;
    return [id, max, sequence, held, want, Number(known), Number(away), Math.min(sinceMs, LONG_MS)];
  }
}

interface Reply extends LaneReply {
  readonly replaced: boolean;
}

function readReply(answer: unknown): Reply {
  const [granted, max, others, waiting, instances, rank, closed, replaced] = readFigures(answer, 7);
  if (granted === undefined || max === undefined || others === undefined || waiting === undefined) throw noAnswer();
  if (instances === undefined || rank === undefined || closed === undefined) throw noAnswer();
  return { granted, max, others, waiting, instances, rank, closed: closed === 1, replaced: replaced === 1 };
}
