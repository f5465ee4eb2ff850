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
const MOST_VALUES = 65_535;

/**
 * All that runs a statement with parameters, in one piece of memory: a small statement costs its client little more
 * than the writes to its socket, and the pieces that the driver makes of it are several.
 *
 * Protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html
 *
 * @param before - A statement without parameters that runs first, in the same transaction.
 * @throws RangeError with more parameters than the protocol can count; whatever a value throws that cannot be written.
 */
export function boundMessage(text: string, values: readonly unknown[], before?: string): Buffer {
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
  const beforeBytes = before === undefined ? 0 : Buffer.byteLength(before);
  const ahead = before === undefined ? 0 : PARSE_FRAME_BYTES + beforeBytes + RUN_SILENTLY.length;
  const message = Buffer.allocUnsafe(ahead + PARSE_FRAME_BYTES + textBytes + bindBytes + RUN.length);
  let at = 0;
  if (before !== undefined) {
    at = writeParse(message, at, before, beforeBytes);
    at += RUN_SILENTLY.copy(message, at);
  }
  at = writeParse(message, at, text, textBytes);
  at = writeBind(message, at, bindBytes, parameters, lengths);
  RUN.copy(message, at);
  return message;
}

function writeParse(message: Buffer, from: number, text: string, textBytes: number): number {
  let at = message.writeUInt8(PARSE, from);
  at = message.writeInt32BE(PARSE_FRAME_BYTES - 1 + textBytes, at);
  at = message.writeUInt8(0, at);
  at += message.write(text, at);
  at = message.writeUInt8(0, at);
  return message.writeUInt16BE(0, at);
}

function writeBind(
  message: Buffer,
  from: number,
  bytes: number,
  parameters: readonly (string | Buffer | null)[],
  lengths: readonly number[],
): number {
  let at = message.writeUInt8(BIND, from);
  at = message.writeInt32BE(bytes - 1, at);
  at = message.writeUInt16BE(0, at);
  at = message.writeUInt16BE(parameters.length, at);
  for (const parameter of parameters) at = message.writeUInt16BE(Buffer.isBuffer(parameter) ? 1 : 0, at);
  at = message.writeUInt16BE(parameters.length, at);
  for (const [index, parameter] of parameters.entries()) {
    at = message.writeInt32BE(lengths[index] ?? -1, at);
    if (typeof parameter === 'string') at += message.write(parameter, at);
    else if (parameter !== null) at += parameter.copy(message, at);
  }
  at = message.writeUInt16BE(1, at);
  return message.writeUInt16BE(0, at);
}
