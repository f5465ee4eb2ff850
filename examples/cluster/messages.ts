import type { MemberReply, MemberReport, Registry } from 'sluice';

/** What a worker asks its primary. */
export type Question =
  | { readonly ask: 'meet'; readonly number: number; readonly report: MemberReport }
  | { readonly ask: 'leave'; readonly number: number; readonly id: string };

/** What the primary answers. */
export interface Answer {
  readonly number: number;
  readonly reply: MemberReply | undefined;
}

/** What a worker says that cannot start; it ends then. */
export interface Refusal {
  readonly cannotStart: string;
}

/** What the primary says by itself: no more requests, and an end when the present ones are answered. */
export const END = 'end';

/** Ends a worker that cannot start: its primary tells why, once for all that cannot. Never resolves. */
export function giveUp(error: unknown): Promise<never> {
  const refusal: Refusal = { cannotStart: error instanceof Error ? error.message : String(error) };
  return new Promise(() => process.send?.(refusal, undefined, undefined, () => process.exit(1)));
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Lets the gateway of a worker find the other workers: the primary, which forked them all, keeps the book. */
export class PrimaryRegistry implements Registry {
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  constructor() {
    process.on('message', (message: unknown) => {
      const { number } = message as Partial<Answer>;
      if (number === undefined) return;
      this.#waiting.get(number)?.resolve(message as Answer);
      this.#waiting.delete(number);
    });
    process.on('disconnect', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the primary is gone'));
      this.#waiting.clear();
    });
  }

  async meet(report: MemberReport): Promise<MemberReply> {
    const { reply } = await this.#ask((number) => ({ ask: 'meet', number, report }));
    if (reply === undefined) throw new Error('the primary has answered nothing');
    return reply;
  }

  async leave(id: string): Promise<void> {
    await this.#ask((number) => ({ ask: 'leave', number, id }));
  }

  #ask(question: (number: number) => Question): Promise<Answer> {
    this.#asked += 1;
    const number = this.#asked;
    return new Promise((resolve, reject) => {
      if (process.send === undefined || !process.connected) {
        reject(new Error('the primary is gone'));
        return;
      }
      this.#waiting.set(number, { resolve, reject });
      process.send(question(number));
    });
  }
}
