import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What passes a relay, in pieces as they came. */
export interface RelayHooks {
  /** A connection was made. Returns what is told of each piece that its client sends. */
  onConnection?(): (chunk: Buffer) => void;
  /** A piece of the server's answer; `pass` hands something on to the client. Default: all of it, at once. */
  onAnswer?(chunk: Buffer, pass: (chunk: Buffer) => void): void;
}

/**
 * A TCP relay in front of a server, that knows nothing of the protocol: it can hold back what passes, cut its
 * connections, and make the server seem far away to those who connect.
 */
export class Relay {
  connections = 0;
  /** When each of them came, as `performance.now()` tells. */
  readonly cameAtMs: number[] = [];
  /** Delays the server's first answer on every new connection. */
  firstAnswerDelayMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #lost = new Set<Socket>();
  readonly #target: Address;
  readonly #hooks: RelayHooks;
  #silent = false;
  /** Connections made in a silence stay silent after it, as do those whose first packets a network has lost. */
  #forgets = false;
  #port = 0;
  #closed: Promise<void> | undefined;

  protected constructor(target: Address, hooks: RelayHooks = {}) {
    this.#target = target;
    this.#hooks = hooks;
    this.#server = createServer((client) => this.#relay(client));
  }

  static async to(target: Address): Promise<Relay> {
    const relay = new Relay(target);
    await relay.listen();
    return relay;
  }

  protected async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  get address(): Address {
    return { host: '127.0.0.1', port: this.#port };
  }

  /**
   * From now on nothing arrives on either side, and nobody is told.
   *
   * @param forgets - Connections that are made meanwhile stay silent also after {@link resume}.
   */
  silence(forgets = false): void {
    this.#silent = true;
    this.#forgets = forgets;
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

  /** Ends every connection and takes no other one. A second call waits for the same end. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const socket of [...this.#sockets, ...this.#lost]) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(client: Socket): void {
    this.connections += 1;
    this.cameAtMs.push(performance.now());
    if (this.#forgets && this.#silent) {
      this.#lose(client);
      return;
    }
    const upstream = connect(this.#target.port, this.#target.host);
    const onSent = this.#hooks.onConnection?.();
    this.#join(client, upstream, (chunk) => {
      onSent?.(chunk);
      upstream.write(chunk);
    });
    let held: Buffer[] | undefined = this.firstAnswerDelayMs > 0 ? [] : undefined;
    const pass = (chunk: Buffer): void => {
      if (client.writable) client.write(chunk);
    };
    const answer = (chunk: Buffer): void => {
      if (this.#hooks.onAnswer === undefined) pass(chunk);
      else this.#hooks.onAnswer(chunk, pass);
    };
    this.#join(upstream, client, (chunk) => {
      if (held === undefined) {
        answer(chunk);
        return;
      }
      held.push(chunk);
      if (held.length > 1) return;
      setTimeout(() => {
        const all = Buffer.concat(held ?? []);
        held = undefined;
        answer(all);
      }, this.firstAnswerDelayMs);
    });
  }

  #lose(client: Socket): void {
    this.#lost.add(client);
    client.on('error', () => undefined);
    client.on('close', () => this.#lost.delete(client));
    client.resume();
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
