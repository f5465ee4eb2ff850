import pg from 'pg';

/** How the driver makes of a value what the server reads; its types do not declare it. */
interface DriverUtils {
  prepareValue(value: unknown): string | Buffer | null;
}

/** Describe of the portal, Execute without a bound of rows, Sync: the same for every statement. */
const RUN = Buffer.from([0x44, 0, 0, 0, 6, 0x50, 0, 0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);
/** Bind without parameters, and Execute. */
const RUN_SILENTLY = Buffer.from([0x42, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0]);
const PARSE = 0x50;
const BIND = 0x42;
/** Type, length, an empty name, the end of the text, and no types of parameters. */
const PARSE_FRAME_BYTES = 9;
/** Type, length, two empty names, three counts, and the one format of all that is answered: text. */
const BIND_FRAME_BYTES = 15;
/** Type, length, and the end of the text. */
const PLAIN_FRAME_BYTES = 6;
const QUERY = 0x51;
const MOST_VALUES = 65_535;
const BEGIN = writePlain('BEGIN');
const COMMIT = writePlain('COMMIT');

/**
 * All that runs a statement with parameters, in one piece of memory: a small statement costs its client little more
 * than the writes to its socket, and the pieces that the driver makes of it are several.
 *
 * Protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html
 *
 * @param before - Statements without parameters that run first, in the same transaction.
 * @throws RangeError with more parameters than the protocol can count; whatever a value throws that cannot be written.
 */
export function boundMessage(text: string, values: readonly unknown[], before: readonly string[] = []): Buffer {
  if (values.length > MOST_VALUES) {
    throw new RangeError(`a statement has ${values.length} parameters: the server takes ${MOST_VALUES} at most`);
  }
  const { prepareValue } = (pg as unknown as { readonly utils: DriverUtils }).utils;
  const parameters: (string | Buffer | null)[] = [];
  const lengths: number[] = [];
  let bindBytes = BIND_FRAME_BYTES;
  for (const value of values) {
    const parameter = prepareValue(value);
    const bytes = parameter === null ? -1 : Buffer.byteLength(parameter);
    parameters.push(parameter);
    lengths.push(bytes);
    bindBytes += 6 + Math.max(0, bytes);
  }
  const textBytes = Buffer.byteLength(text);
  let ahead = 0;
  for (const first of before) ahead += PARSE_FRAME_BYTES + Buffer.byteLength(first) + RUN_SILENTLY.length;
  const message = Buffer.allocUnsafe(ahead + PARSE_FRAME_BYTES + textBytes + bindBytes + RUN.length);
  let at = 0;
  for (const first of before) {
    at = writeParse(message, at, first, Buffer.byteLength(first));
    at += RUN_SILENTLY.copy(message, at);
  }
  at = writeParse(message, at, text, textBytes);
  at = writeBind(message, at, bindBytes, parameters, lengths);
  RUN.copy(message, at);
  return message;
}

/** A text of one statement or more, without parameters. */
export function plainMessage(text: string): Buffer {
  // Every transaction has these two.
  if (text === 'BEGIN') return BEGIN;
  if (text === 'COMMIT') return COMMIT;
  return writePlain(text);
}

function writePlain(text: string): Buffer {
  const textBytes = Buffer.byteLength(text);
  const message = Buffer.allocUnsafe(PLAIN_FRAME_BYTES + textBytes);
  message[0] = QUERY;
  const at = write32(message, 1, PLAIN_FRAME_BYTES - 1 + textBytes);
  message[at + message.write(text, at)] = 0;
  return message;
}

function writeParse(message: Buffer, from: number, text: string, textBytes: number): number {
  message[from] = PARSE;
  let at = write32(message, from + 1, PARSE_FRAME_BYTES - 1 + textBytes);
  message[at] = 0;
  at += 1;
  at += message.write(text, at);
  message[at] = 0;
  return write16(message, at + 1, 0);
}

function writeBind(
  message: Buffer,
  from: number,
  bytes: number,
  parameters: readonly (string | Buffer | null)[],
  lengths: readonly number[],
): number {
  message[from] = BIND;
  let at = write32(message, from + 1, bytes - 1);
  at = write16(message, at, 0);
  at = write16(message, at, parameters.length);
  for (const parameter of parameters) at = write16(message, at, Buffer.isBuffer(parameter) ? 1 : 0);
  at = write16(message, at, parameters.length);
  for (let index = 0; index < parameters.length; index += 1) {
    const parameter = parameters[index];
    at = write32(message, at, lengths[index] ?? -1);
    if (typeof parameter === 'string') at += message.write(parameter, at);
    else if (parameter) at += parameter.copy(message, at);
  }
  return write16(message, write16(message, at, 1), 0);
}

// The methods of a buffer check what they are given each time; here it is known to fit.

function write16(message: Buffer, at: number, value: number): number {
  message[at] = value >>> 8;
  message[at + 1] = value;
  return at + 2;
}

function write32(message: Buffer, at: number, value: number): number {
  message[at] = value >>> 24;
  message[at + 1] = value >>> 16;
  message[at + 2] = value >>> 8;
  message[at + 3] = value;
  return at + 4;
}
