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

/** A value that the driver would write as the name of a column. */
export class NoNumberError extends TypeError {
  override readonly name = 'NoNumberError';

  /** @param place - Where it is, as in `values[0]`. */
  constructor(place: string, value: number) {
    super(`${place} is ${value}, and no number of the server: give null, or a text`);
  }
}

/** @throws NoNumberError where one of them, or of those in a list, is `NaN` or without an end. */
export function checkNumbers(values: readonly unknown[] = [], list = 'values'): void {
  for (const [index, value] of values.entries()) {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new NoNumberError(`${list}[${index}]`, value);
    if (Array.isArray(value)) checkNumbers(value, `${list}[${index}]`);
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
      `the statement has ${bytes} bytes with its values, and the server takes less than ${maxPacketBytes} ` +
        '(max_allowed_packet): send less at once, or raise that',
    );
  }
}

/** The longest that UTF-8 makes of one unit of a text. */
const BYTES_PER_UNIT = 3;
/** Around a statement whose values go apart, and around each of these: what the protocol adds at most. */
const BYTES_AROUND = 12;

/** @throws PacketTooLargeError when a message of these has as many bytes as the server ends a session for, or more. */
export function checkSize(maxPacketBytes: number, text: string, apart: readonly unknown[] = []): void {
  const around = apart.length === 0 ? 1 : BYTES_AROUND * (1 + apart.length);
  let most = around + text.length * BYTES_PER_UNIT;
  for (const value of apart) most += longest(value);
  if (most < maxPacketBytes) return;
  let bytes = around + Buffer.byteLength(text);
  for (const value of apart) bytes += typeof value === 'string' ? Buffer.byteLength(value) : longest(value);
  if (bytes >= maxPacketBytes) throw new PacketTooLargeError(bytes, maxPacketBytes);
}

function longest(value: unknown): number {
  if (typeof value === 'string') return value.length * BYTES_PER_UNIT;
  return value instanceof Uint8Array ? value.length : 0;
}
