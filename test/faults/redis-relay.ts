import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** The address of a Redis that can move to another server, and the network in between, which can be slow. */
export class RedisRelay {
  /** Each piece of an answer arrives so much later. */
  delayMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #swallowed = new WeakSet<Socket>();
  #targetPort: number;
  #port = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#relay(client));
  }

  static async to(targetPort: number): Promise<RedisRelay> {
    const relay = new RedisRelay(targetPort);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    const address = relay.#server.address();
    relay.#port = typeof address === 'object' && address !== null ? address.port : 0;
    return relay;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Who connects from now on is led there; who is connected stays where he is. */
  leadTo(targetPort: number): void {
    this.#targetPort = targetPort;
  }

  /** Who is connected hears nothing more, and is not told; who connects from now on is served. */
  swallow(): void {
    for (const socket of this.#sockets) this.#swallowed.add(socket);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(client: Socket): void {
    const upstream = connect(this.#targetPort, '127.0.0.1');
    this.#join(client, upstream, () => 0);
    this.#join(upstream, client, () => this.delayMs);
  }

  #join(from: Socket, to: Socket, delayMs: () => number): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => {
      if (this.#swallowed.has(from)) return;
      const ms = delayMs();
      if (ms === 0) to.write(chunk);
      else setTimeout(() => to.writable && to.write(chunk), ms);
    });
    from.on('end', () => this.#swallowed.has(from) || to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
