import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type pg from 'pg';
import type { CancelTarget } from './cancel-request.js';

/** The driver keeps the key of a session on the client, but does not declare it. */
interface KeyedClient {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly ssl: unknown;
  readonly sslNegotiation?: string;
}

/** The driver reads what it sends at the start of a session from here, but does not declare it. */
interface ParameterisedClient {
  readonly connectionParameters: { options?: string | undefined; readonly statement_timeout?: unknown };
}

/** What a client asks for at the start of its session, by its url and the environment. */
export function startSettingsOf(client: pg.Client): ParameterisedClient['connectionParameters'] {
  return (client as unknown as ParameterisedClient).connectionParameters;
}

/** Adds a setting to those that a client asks for at the start; what the url or `PGOPTIONS` says comes last and wins. */
export function presetOption(client: pg.Client, name: string, value: string | number): void {
  const settings = startSettingsOf(client);
  settings.options = `-c ${name}=${value} ${settings.options ?? ''}`.trim();
}

/** Has the password asked for when the server wants one. The driver takes a function, but its types do not say so. */
export function setPassword(client: pg.Client, ask: () => Promise<string>): void {
  (client as unknown as { password: unknown }).password = ask;
}

/** The socket of a client, whether it runs over TLS or not. */
export function streamOf(client: pg.Client): Socket {
  return client.connection.stream as Socket;
}

/** What whoever answered gave a connected client for cancelling. */
export function keyOf(client: pg.Client): { readonly processId: number; readonly secretKey: number } {
  const { processID, secretKey } = client as unknown as KeyedClient;
  return { processId: processID ?? 0, secretKey: secretKey ?? 0 };
}

/** How to cancel what a connected client runs. */
export function cancelTargetOf(client: pg.Client): CancelTarget {
  const { ssl, sslNegotiation } = client as unknown as KeyedClient;
  const options = typeof ssl === 'object' && ssl !== null ? withKey(ssl) : {};
  return {
    host: client.host,
    address: streamOf(client).remoteAddress ?? client.host,
    port: client.port,
    tls: ssl === false || ssl === null || ssl === undefined ? undefined : options,
    directTls: sslNegotiation === 'direct',
    ...keyOf(client),
  };
}

/** The driver hides the key of a certificate from enumeration, and so from every copy. */
function withKey(ssl: ConnectionOptions): ConnectionOptions {
  return ssl.key === undefined ? ssl : { ...ssl, key: ssl.key };
}
