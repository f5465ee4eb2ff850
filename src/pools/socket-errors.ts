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
  'EMFILE',
  'ENFILE',
  'EADDRNOTAVAIL',
  'ERR_STREAM_DESTROYED',
  'ERR_SOCKET_CLOSED',
]);

const TLS_CODES =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)|^(?:EPROTO|HOSTNAME_MISMATCH)$/;

/** Whether a code of Node tells that a connection is gone or could not be made. */
export function isSocketLoss(code: string): boolean {
  return SOCKET_CODES.has(code) || code.startsWith('ERR_TLS') || code.startsWith('CERT_');
}

/** Whether a code of Node tells that TLS could not be had. */
export function isTlsCode(code: unknown): boolean {
  return typeof code === 'string' && TLS_CODES.test(code);
}
