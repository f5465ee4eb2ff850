import { connect, isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Connection } from 'mysql2';
import { KEEPALIVE_DELAY_MS } from './keepalive.js';
import type { MysqlModule } from './mysql-module.js';
import type { MysqlAddress, MysqlTarget } from './mysql-target.js';

/** A flag in the greeting of a server. */
const TLS_CAPABILITY = 0x800;

/** What a client tells. Each may be told more than once, but `onClosed`. */
export interface MysqlClientListener {
  /** The server has accepted the login. */
  onConnected(): void;
  onError(error: unknown): void;
  /** The socket is closed. */
  onClosed(): void;
}

/** How to log in. */
export interface MysqlLogin {
  readonly target: MysqlTarget;
  /** `undefined`: the one of the url. */
  readonly password: string | undefined;
  /** Told to the server under `program_name`. */
  readonly programName: string;
  /** Where exactly, when the name of the host may lead to several servers. */
  readonly at?: MysqlAddress | undefined;
}

/** What the driver has but does not declare. */
interface UndeclaredConnection {
  readonly stream: Partial<TLSSocket>;
  readonly serverCapabilityFlags: number;
  readonly _handshakePacket?: { readonly serverVersion?: string };
}

/** One connection of the driver, on a socket of our own. */
export class MysqlClient {
  readonly connection: Connection;
  readonly #socket: Socket;

  /** Begins to connect at once. */
  constructor(mysql: MysqlModule, { target, password, programName, at }: MysqlLogin, listener: MysqlClientListener) {
    const address = at ?? target.address;
    this.#socket = connect({
      ...address,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_DELAY_MS,
      noDelay: true,
    });
    nameHost(this.#socket, target.address);
    this.connection = mysql.createConnection(target.options(this.#socket, password, { program_name: programName }));
    // This listener stays until the end: a dying connection reports more than once, and unheard it ends the process.
    this.connection.on('error', (error) => listener.onError(error));
    this.connection.on('connect', () => listener.onConnected());
    this.#socket.on('close', () => listener.onClosed());
  }

  /** Nobody has taken the connection yet. */
  get connecting(): boolean {
    return this.#socket.connecting;
  }

  /** Names the session on its server. */
  get threadId(): number {
    return this.connection.threadId;
  }

  /** What the server calls itself: `8.0.36`, or `5.5.5-10.11.6-MariaDB`. Empty before it has said so. */
  get serverVersion(): string {
    return this.#undeclared._handshakePacket?.serverVersion ?? '';
  }

  /** Whether the server has TLS. */
  get offersTls(): boolean {
    return (this.#undeclared.serverCapabilityFlags & TLS_CAPABILITY) !== 0;
  }

  /** When the certificate of the server ends, in milliseconds since 1970; `undefined` without TLS. */
  get serverUntilMs(): number | undefined {
    const until = this.#undeclared.stream.getPeerCertificate?.().valid_to;
    return until === undefined ? undefined : Date.parse(until);
  }

  /** The very server that this is connected to. */
  get peer(): MysqlAddress | undefined {
    const { remoteAddress: host, remotePort: port } = this.#socket;
    return host === undefined || port === undefined ? undefined : { host, port };
  }

  /** Calls `listener` with the length of what the server sends from now on, before the driver reads and keeps it. */
  onReceived(listener: (bytes: number) => void): void {
    this.#undeclared.stream.prependListener?.('data', (chunk: Buffer) => listener(chunk.length));
  }

  /** Says goodbye once what is under way is answered; the server hangs up then. */
  end(): void {
    this.connection.end();
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  get #undeclared(): UndeclaredConnection {
    return this.connection as unknown as UndeclaredConnection;
  }
}

/**
 * Node compares a certificate with the host that the socket was made for, and does not keep one that is an address;
 * the driver tells it none either. Left alone, it would be compared with `localhost`.
 */
function nameHost(socket: Socket, address: MysqlAddress): void {
  if ('host' in address && isIP(address.host) !== 0) Object.assign(socket, { _host: address.host });
}
