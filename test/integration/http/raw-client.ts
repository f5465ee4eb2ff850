import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client that does what no HTTP library lets one do: sends halves, reads slowly, leaves. */
export class RawClient {
  readonly socket: Socket;
  /** Everything received so far. */
  received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.received += chunk;
    });
  }

  static async to(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Sends one request whole: no body, or this JSON. */
  static async sends(
    port: number,
    method: string,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<RawClient> {
    const client = await RawClient.to(port);
    client.write(`${method} ${path} HTTP/1.1`, 'Host: test', ...lines(headers), '', '');
    return client;
  }

  /** Writes lines, CRLF between them. */
  write(...text: string[]): void {
    this.socket.write(text.join('\r\n'));
  }

  /** Goes away without a word. */
  leave(): void {
    this.socket.resetAndDestroy();
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close');
  }
}

function lines(headers: Record<string, string>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}
