/** Values that are a part of the text, where everything has to be sent apart from it. */
export class ListApartError extends TypeError {
  override readonly name = 'ListApartError';
  constructor() {
    super(
      'values has a list, or what says its own SQL: with the sql_mode NO_BACKSLASH_ESCAPES these cannot be put into a ' +
        'text that has a backslash; give what has the backslash as a value, or leave that mode',
    );
  }
}

/** A statement that the server would hang up on was not sent; carries the number by which the server would say so. */
export class PacketTooLargeError extends Error {
  override readonly name = 'PacketTooLargeError';
  readonly code = 'ER_NET_PACKET_TOO_LARGE';
  readonly errno = 1153;

  /** @param bytes - Of the statement, at least. */
  constructor(bytes: number, maxPacketBytes: number) {
    super(
      `the statement has ${bytes} bytes with its values, and the server takes ${maxPacketBytes} at most ` +
        '(max_allowed_packet): send less at once, or raise that',
    );
  }
}

/** The longest that UTF-8 makes of one unit of a text. */
const BYTES_PER_UNIT = 3;

/** @throws PacketTooLargeError when a message of these parts has more bytes than the server takes. */
export function checkSize(maxPacketBytes: number, ...parts: readonly unknown[]): void {
  let most = 1;
  for (const part of parts) most += longest(part);
  if (most <= maxPacketBytes) return;
  let bytes = 1;
  for (const part of parts) bytes += typeof part === 'string' ? Buffer.byteLength(part) : longest(part);
  if (bytes > maxPacketBytes) throw new PacketTooLargeError(bytes, maxPacketBytes);
}

function longest(part: unknown): number {
  if (typeof part === 'string') return part.length * BYTES_PER_UNIT;
  return part instanceof Uint8Array ? part.length : 0;
}
