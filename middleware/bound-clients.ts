import type { Gateway } from '../src/gateway.js';

/** The part of `http.Server` that {@link boundClients} needs. */
export interface BoundableServer {
  maxConnections: number;
  on(event: 'drop', listener: () => void): unknown;
}

/**
 * Lets no more clients connect than leave the pools their file descriptors: a process without a free one can neither
 * reach its database nor open a file, and fails requests that it has accepted. Newcomers beyond are disconnected at
 * once, as a server that is out of descriptors would, and the log says so. A smaller `maxConnections` of the server
 * stays. Does nothing where the limit of the process is not known.
 */
export function boundClients(gateway: Gateway, server: BoundableServer): void {
  const room = gateway.clientRoom;
  if (room === undefined) return;
  const { maxConnections } = server;
  server.maxConnections = maxConnections > 0 ? Math.min(maxConnections, room) : room;
  server.on('drop', () => {
    gateway.clientTurnedAway();
    gateway.logger.warn(
      { code: 'clients_turned_away' },
      `more than ${server.maxConnections} clients are connected, and newcomers are disconnected: raise "ulimit -n", or run more instances`,
    );
  });
}
