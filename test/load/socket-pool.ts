import { connect, type Socket } from 'node:net';
import type { NoAnswer } from './plan.js';
import { type Answer, ResponseReader } from './response-reader.js';

/** One request on its way. */
export interface Exchange {
  /** The whole request, head and body, as latin1 text. */
  readonly request: string;
  /** Called when the request is written to a socket. */
  onSent(): void;
  onAnswer(answer: Answer): void;
  onFailure(why: NoAnswer): void;
}

interface Wire {
  readonly socket: Socket;
  readonly reader: ResponseReader;
  exchange: Exchange | undefined;
  idleSinceMs: number;
  connected: boolean;
}

/** A server that closes idle connections does so after 5 s (Node's default): never send on one that is nearly due. */
const IDLE_BOUND_MS = 3_000;

/**
 * Keep-alive connections to one port on loopback, one request in flight on each. Far lighter than `node:http`'s
 * client, which matters where generator and server share a machine.
 */
export class SocketPool {
  readonly #port: number;
  readonly #maxSockets: number;
  readonly #all = new Set<Wire>();
  readonly #carrying = new Map<Exchange, Wire>();
  /** Used from the end: the warmest socket first, so that surplus ones grow idle and are closed. */
  readonly #idle: Wire[] = [];
  /** Exchanges that found every socket in use, in order; a deleted one was given up. */
  readonly #waiting = new Set<Exchange>();
  #opened = 0;
  #mostAtOnce = 0;
  #closed = false;

  constructor(port: number, maxSockets: number) {
    this.#port = port;
    this.#maxSockets = maxSockets;
  }

  /** Sockets opened so far, and the most that were open at once. */
  get counts(): { readonly opened: number; readonly mostAtOnce: number } {
    return { opened: this.#opened, mostAtOnce: this.#mostAtOnce };
  }

  /** Sends at once on an idle or new socket, or as soon as one comes free. */
  send(exchange: Exchange): void {
    const wire = this.#idle.pop();
    if (wire !== undefined) this.#write(wire, exchange);
    else if (this.#all.size < this.#maxSockets) this.#write(this.#open(), exchange);
    else this.#waiting.add(exchange);
  }

  /** Hangs up on a request, as a caller does that waits no longer. Its `onFailure` is not called. */
  giveUp(exchange: Exchange): void {
    if (this.#waiting.delete(exchange)) return;
    const wire = this.#carrying.get(exchange);
    if (wire === undefined) return;
    this.#unload(wire);
    wire.socket.destroy();
  }

  /** Closes sockets that were idle for so long that the server may be about to. */
  sweep(nowMs: number): void {
    // The longest idle ones lie at the front.
    let due = 0;
    while (due < this.#idle.length && (this.#idle[due]?.idleSinceMs ?? nowMs) < nowMs - IDLE_BOUND_MS) due += 1;
    for (const wire of this.#idle.splice(0, due)) wire.socket.destroy();
  }

  /** Ends every socket; what is still on its way gets no call any more. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    for (const wire of this.#all) {
      this.#unload(wire);
      wire.socket.destroy();
    }
  }

  #open(): Wire {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    const wire: Wire = { socket, reader: new ResponseReader(), exchange: undefined, idleSinceMs: 0, connected: false };
    this.#all.add(wire);
    this.#opened += 1;
    this.#mostAtOnce = Math.max(this.#mostAtOnce, this.#all.size);
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      wire.connected = true;
    });
    socket.on('data', (text: string) => this.#read(wire, text));
    // 'close' follows every error and tells the whole story.
    socket.on('error', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#gone(wire));
    return wire;
  }

  #write(wire: Wire, exchange: Exchange): void {
    wire.exchange = exchange;
    this.#carrying.set(exchange, wire);
    wire.socket.write(exchange.request, 'latin1');
    exchange.onSent();
  }

  #read(wire: Wire, text: string): void {
    let answer: Answer | undefined;
    try {
      answer = wire.reader.push(text);
    } catch {
      wire.socket.destroy();
      return;
    }
    if (answer === undefined) return;
    const exchange = this.#unload(wire);
    if (!answer.keepAlive || exchange === undefined) wire.socket.destroy();
    else this.#free(wire);
    exchange?.onAnswer(answer);
  }

  #unload(wire: Wire): Exchange | undefined {
    const exchange = wire.exchange;
    wire.exchange = undefined;
    if (exchange !== undefined) this.#carrying.delete(exchange);
    return exchange;
  }

  #free(wire: Wire): void {
    const next = this.#nextWaiting();
    if (next !== undefined) {
      this.#write(wire, next);
      return;
    }
    wire.idleSinceMs = performance.now();
    this.#idle.push(wire);
  }

  #gone(wire: Wire): void {
    this.#all.delete(wire);
    const at = this.#idle.indexOf(wire);
    if (at >= 0) this.#idle.splice(at, 1);
    const exchange = this.#unload(wire);
    const next = this.#closed ? undefined : this.#nextWaiting();
    if (next !== undefined) this.#write(this.#open(), next);
    exchange?.onFailure(wire.connected ? 'reset' : 'refused');
  }

  #nextWaiting(): Exchange | undefined {
    for (const exchange of this.#waiting) {
      this.#waiting.delete(exchange);
      return exchange;
    }
    return undefined;
  }
}
