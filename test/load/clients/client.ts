import { connect, type Socket } from 'node:net';
import { type Answer, ResponseReader } from '../response-reader.js';

/** What a {@link Client} tells of itself. */
export interface ClientEvents {
  /** The text of its next request, which is sent at once. */
  next(): string;
  opened(): void;
  closed(): void;
  answered(answer: Answer, tookMs: number): void;
  unanswered(why: 'timeout' | 'reset'): void;
  connectFailed(): void;
  closedIdle(): void;
  thinkMs(): number;
  ended(): void;
}

/** A client that could not connect tries again after so long. */
const RETRY_MS = 250;

/**
 * One client with one connection, which it keeps: it thinks, asks, waits for the answer and thinks again, until it is
 * told to leave. It leaves after the answer that it waits for.
 */
export class Client {
  readonly #port: number;
  readonly #patienceMs: number;
  readonly #events: ClientEvents;
  #socket: Socket | undefined;
  #reader = new ResponseReader();
  #sentAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #leaving = false;
  #over = false;

  constructor(port: number, patienceMs: number, events: ClientEvents) {
    this.#port = port;
    this.#patienceMs = patienceMs;
    this.#events = events;
  }

  /** Connects, and begins with a think time. */
  begin(): void {
    this.#connect();
    this.#think();
  }

  leave(): void {
    this.#leaving = true;
    if (this.#sentAtMs === undefined) this.#end();
  }

  #connect(): void {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    let open = false;
    this.#socket = socket;
    this.#reader = new ResponseReader();
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      open = true;
      this.#events.opened();
    });
    socket.on('data', (text: string) => this.#read(socket, text));
    // 'close' follows every error and tells the whole story.
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (open) this.#events.closed();
      this.#gone(socket, open);
    });
  }

  #think(): void {
    this.#timer = setTimeout(() => this.#ask(), this.#events.thinkMs());
  }

  #ask(): void {
    if (this.#leaving) return this.#end();
    if (this.#socket === undefined || this.#socket.connecting) {
      if (this.#socket === undefined) this.#connect();
      this.#timer = setTimeout(() => this.#ask(), RETRY_MS);
      return;
    }
    this.#sentAtMs = performance.now();
    this.#socket.write(this.#events.next(), 'latin1');
    this.#timer = setTimeout(() => this.#failed('timeout'), this.#patienceMs);
  }

  #read(socket: Socket, text: string): void {
    let answer: Answer | undefined;
    try {
      answer = this.#reader.push(text);
    } catch {
      socket.destroy();
      return;
    }
    if (answer === undefined || this.#sentAtMs === undefined) return;
    const tookMs = performance.now() - this.#sentAtMs;
    this.#sentAtMs = undefined;
    clearTimeout(this.#timer);
    if (!answer.keepAlive) this.#drop();
    this.#events.answered(answer, tookMs);
    this.#goOn();
  }

  #gone(socket: Socket, wasOpen: boolean): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    if (this.#over) return;
    if (this.#sentAtMs !== undefined) this.#failed('reset');
    else if (!wasOpen) this.#events.connectFailed();
    else {
      this.#events.closedIdle();
      this.#connect();
    }
  }

  #failed(why: 'timeout' | 'reset'): void {
    clearTimeout(this.#timer);
    this.#sentAtMs = undefined;
    this.#drop();
    this.#events.unanswered(why);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#leaving) this.#end();
    else this.#think();
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#drop();
    this.#events.ended();
  }
}
