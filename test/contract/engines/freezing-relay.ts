import { type Address, Relay } from '../relay.js';

type Pass = (chunk: Buffer) => void;

/**
 * A relay that holds back what the server says on single connections, which are named by the number that a server of
 * MySQL's protocol tells in its greeting. That server has a thread for each session, and no thread can be stopped alone.
 */
export class FreezingRelay extends Relay {
  readonly #sessions = new Map<Pass, string>();
  readonly #held = new Map<string, (() => void)[]>();

  protected constructor(target: Address) {
    super(target, { onAnswer: (chunk, pass) => this.#answer(chunk, pass) });
  }

  static override async to(target: Address): Promise<FreezingRelay> {
    const relay = new FreezingRelay(target);
    await relay.listen();
    return relay;
  }

  freeze(session: string): void {
    this.#held.set(session, []);
  }

  thaw(session: string): void {
    const held = this.#held.get(session) ?? [];
    this.#held.delete(session);
    for (const pass of held) pass();
  }

  #answer(chunk: Buffer, pass: Pass): void {
    const session = this.#sessions.get(pass) ?? greetedAs(chunk);
    this.#sessions.set(pass, session);
    const held = this.#held.get(session);
    if (held === undefined) pass(chunk);
    else held.push(() => pass(chunk));
  }
}

/** The number follows the version, which is the first text in a greeting and ends with a zero. */
function greetedAs(greeting: Buffer): string {
  const HEADER = 5;
  return String(greeting.readUInt32LE(greeting.indexOf(0, HEADER) + 1));
}
