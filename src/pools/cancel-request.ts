import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Clock } from '../clock.js';
import { timeLimit } from './time-limit.js';

/** Where a session was opened, and the key that its server gave it for cancelling. */
export interface CancelTarget {
  readonly host: string;
  /** The address that the session is connected to; by now the host may lead elsewhere, or nowhere. */
  readonly address: string;
  readonly port: number;
  /** The TLS settings of the session; `undefined` when it runs without. */
  readonly tls: ConnectionOptions | undefined;
  /** TLS from the first byte, without asking for it first. */
  readonly directTls: boolean;
  readonly processId: number;
  readonly secretKey: number;
}

const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST = 80_877_103;

/**
 * A pooler that cannot pass a request on yet keeps it with its sender's place. PgBouncer 1.18 ends, with all its clients,
 * when that sender has hung up meanwhile and the server behind it answers again.
 */
const KEPT_OPEN_MS = 60_000;

/**
 * Sends a CancelRequest on a fresh socket. The server closes that socket after it has signalled the session, so the
 * promise resolves when the signal is on its way, not merely the request; or when `limitMs` is over, although the
 * request may still be kept by then, or the server cannot be reached. It never rejects: a cancel is a request, and its
 * caller has a bound of its own.
 *
 * @returns Whether the server has taken the request. Without TLS it says nothing, so this is that it hung up on its own.
 *
 * Protocol: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function sendCancelRequest(target: CancelTarget, clock: Clock, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    let taken = false;
    let sent = false;
    const socket = target.host.startsWith('/')
      ? connect(`${target.host}/.s.PGSQL.${target.port}`)
      : connect(target.port, target.address);
    const hangUp = (): void => void socket.destroy();
    let limit = timeLimit(clock, limitMs, () => {
      if (!sent) return hangUp();
      limit = timeLimit(clock, KEPT_OPEN_MS, hangUp);
      socket.unref();
      resolve(false);
    });
    const send = (stream: Socket): void => {
      sent = true;
      deliver(stream, target);
    };
    socket.setNoDelay(true);
    // 'close' follows every error.
    socket.on('error', () => undefined);
    socket.once('end', () => {
      taken = true;
    });
    socket.once('close', () => {
      limit.cancel();
      resolve(taken);
    });
    socket.once('connect', () => {
      if (target.tls === undefined) send(socket);
      else if (target.directTls) send(secure(socket, target, target.tls));
      else askForTls(socket, target, target.tls, send);
    });
  });
}

function deliver(stream: Socket, target: CancelTarget): void {
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(target.processId, 8);
  message.writeInt32BE(target.secretKey, 12);
  stream.write(message);
  // Without a reader the end of the stream would never be seen.
  stream.resume();
}

function askForTls(socket: Socket, target: CancelTarget, tls: ConnectionOptions, send: (stream: Socket) => void): void {
  const message = Buffer.alloc(8);
  message.writeInt32BE(8, 0);
  message.writeInt32BE(SSL_REQUEST, 4);
  socket.write(message);
  socket.once('data', (answer: Buffer) => {
    // The key must not travel in the clear when the session itself is encrypted.
    if (answer.toString('latin1') === 'S') send(secure(socket, target, tls));
    else socket.destroy();
  });
}

function secure(socket: Socket, target: CancelTarget, tls: ConnectionOptions): Socket {
  const stream = connectTls({
    host: target.host,
    ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
    ...(target.directTls ? { ALPNProtocols: ['postgresql'] } : {}),
    ...tls,
    socket,
  });
  stream.on('error', () => socket.destroy());
  stream.once('close', () => socket.destroy());
  return stream;
}
