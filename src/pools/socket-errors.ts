const SOCKET_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_SOCKET_CLOSED',
]);

/** No file descriptor for the process or for the host, no local port, no memory: the server has no part in it. */
const SHORT_OF: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOMEM', 'ENOBUFS']);

const TLS_CODES =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)|^(?:EPROTO|HOSTNAME_MISMATCH)$/;

/** Whether a code of Node tells that a connection is gone or could not be made. */
export function isSocketLoss(code: string): boolean {
  return SOCKET_CODES.has(code) || SHORT_OF.has(code) || code.startsWith('ERR_TLS') || code.startsWith('CERT_');
}

/** Whether a connection could not be made because this process or host has run out of something. */
export function isLocalShortage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && SHORT_OF.has(error.code);
}

/** Whether a code of Node tells that TLS could not be had. */
export function isTlsCode(code: unknown): boolean {
  return typeof code === 'string' && TLS_CODES.test(code);
}
