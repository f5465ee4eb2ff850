import type { Socket } from 'node:net';
import type { Request, Response } from 'express';

/** What hears that its client has gone. */
export interface WaitingHost {
  closed(): void;
}

const WAITING: WeakMap<Socket, Set<WaitingHost>> = new WeakMap();

/**
 * Watches a response that waits behind another one of its connection (pipelining): Node tells the end of a connection to
 * the response in front alone. One listener for each connection, however many wait there.
 */
export function watchPipelined(req: Request, res: Response, host: WaitingHost): void {
  const { socket } = req;
  // Gone before the guard saw the request: nobody will be told any more.
  if (socket.destroyed) {
    process.nextTick(() => host.closed());
    return;
  }
  const waiting = WAITING.get(socket) ?? watchSocket(socket);
  waiting.add(host);
  // It is in front now, and hears for itself.
  res.once('socket', () => waiting.delete(host));
}

function watchSocket(socket: Socket): Set<WaitingHost> {
  const waiting = new Set<WaitingHost>();
  WAITING.set(socket, waiting);
  socket.once('close', () => {
    for (const host of waiting) host.closed();
    waiting.clear();
  });
  return waiting;
}
