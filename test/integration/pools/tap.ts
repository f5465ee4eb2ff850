import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP relay in front of a server that notes every statement which passes, and can stop passing anything on. What a
 * pool sends is seen here as it is, without a word in the pool itself.
 */
export class Tap {
  readonly statements: string[] = [];
  connections = 0;
  /** Connections that asked for a cancel, legibly. */
  cancels = 0;
  /** How much later than the rest of an answer the server's word arrives that it is ready. */
  readyDelayMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #silent = false;
  #url = '';

  private constructor(target: URL) {
    this.#server = createServer((client) => this.#relay(client, target));
  }

  static async before(url: string): Promise<Tap> {
    const target = new URL(url);
    const tap = new Tap(target);
    tap.#server.listen(0, '127.0.0.1');
    await once(tap.#server, 'listening');
    const address = tap.#server.address();
    target.port = String(typeof address === 'object' ? address?.port : '');
    tap.#url = target.href;
    target.port = new URL(url).port;
    return tap;
  }

  get url(): string {
    return this.#url;
  }

  /** From now on nothing arrives on either side, and nobody is told. */
  silence(): void {
    this.#silent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    this.#silent = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Resets every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(client: Socket, target: URL): void {
    this.connections += 1;
    const upstream = connect(Number(target.port), target.hostname);
    const reader = new FrontendReader(
      (text) => this.statements.push(text),
      () => {
        this.cancels += 1;
      },
    );
    this.#join(client, upstream, (chunk) => {
      reader.read(chunk);
      upstream.write(chunk);
    });
    this.#join(upstream, client, (chunk) => {
      const cut =
        this.readyDelayMs > 0 && chunk.at(-READY_LENGTH) === READY ? chunk.length - READY_LENGTH : chunk.length;
      client.write(chunk.subarray(0, cut));
      if (cut < chunk.length) setTimeout(() => client.write(chunk.subarray(cut)), this.readyDelayMs);
    });
  }

  #join(from: Socket, to: Socket, pass: (chunk: Buffer) => void): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('data', pass);
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#silent) from.pause();
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
