import { type Address, Relay } from '../../contract/relay.js';

/**
 * A TCP relay in front of a PostgreSQL that notes every statement which passes. What a pool sends is seen here as it
 * is, without a word in the pool itself.
 */
export class Tap extends Relay {
  readonly statements: string[] = [];
  /** Connections that asked for a cancel, legibly. */
  cancels = 0;
  /** How much later than the rest of an answer the server's word arrives that it is ready. */
  readyDelayMs = 0;
  readonly #target: string;

  private constructor(target: string, address: Address) {
    super(address, {
      onConnection: () => this.#reader(),
      onAnswer: (chunk, pass) => this.#answer(chunk, pass),
    });
    this.#target = target;
  }

  static async before(url: string): Promise<Tap> {
    const { hostname, port } = new URL(url);
    const tap = new Tap(url, { host: hostname, port: Number(port) });
    await tap.listen();
    return tap;
  }

  get url(): string {
    const url = new URL(this.#target);
    url.port = String(this.address.port);
    return url.href;
  }

  #reader(): (chunk: Buffer) => void {
    const reader = new FrontendReader(
      (text) => this.statements.push(text),
      () => {
        this.cancels += 1;
      },
    );
    return (chunk) => reader.read(chunk);
  }

  #answer(chunk: Buffer, pass: (chunk: Buffer) => void): void {
    const ready = this.readyDelayMs > 0 && chunk.at(-READY_LENGTH) === READY;
    const cut = ready ? chunk.length - READY_LENGTH : chunk.length;
    pass(chunk.subarray(0, cut));
    if (ready) setTimeout(() => pass(chunk.subarray(cut)), this.readyDelayMs);
  }
}

/** ReadyForQuery: the letter Z, a length of four bytes, one byte of status. */
const READY = 0x5a;
const READY_LENGTH = 6;

const CANCEL_REQUEST = 80_877_102;

/** Cuts the stream of a client into messages and picks the texts of simple and extended statements. */
class FrontendReader {
  readonly #onStatement: (text: string) => void;
  readonly #onCancel: () => void;
  #rest: Buffer = Buffer.alloc(0);
  #started = false;

  constructor(onStatement: (text: string) => void, onCancel: () => void) {
    this.#onStatement = onStatement;
    this.#onCancel = onCancel;
  }

  read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const head = this.#started ? 1 : 0;
      if (this.#rest.length < head + 8 - 4 * head) return;
      const length = this.#rest.readInt32BE(head) + head;
      if (this.#rest.length < length) return;
      const message = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      if (this.#started) this.#note(message);
      else if (message.readInt32BE(4) === CANCEL_REQUEST) this.#onCancel();
      this.#started = true;
    }
  }

  #note(message: Buffer): void {
    const type = message.toString('latin1', 0, 1);
    const body = message.toString('utf8', 5);
    if (type === 'Q') this.#onStatement(body.slice(0, -1));
    if (type === 'P') this.#onStatement(body.split('\0')[1] ?? '');
  }
}
