import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import type { Checkpoint } from './checkpoints.js';
import { RECORD_BYTES, RecordTable } from './decision-record.js';
import { packageVersion } from './package-version.js';
import type { PolicySettings } from './policy-settings.js';

/** The form of the document. Another one is not read. */
export const LOG_VERSION = 3;

/** What a document holds. */
export interface LogParts {
  /** The mode of the gateway: with `observe` and `off` less was enforced than decided. */
  readonly mode: string;
  readonly settings: PolicySettings;
  /** The number of the first record, counted from the start of the process. */
  readonly first: number;
  readonly records: Uint8Array;
  readonly checkpoints: readonly Checkpoint[];
}

/** A document, read back. */
export interface DecodedLog extends Omit<LogParts, 'records'> {
  /** The version of Sluice that wrote it. */
  readonly writtenBy: string;
  readonly records: RecordTable;
  /** Records in the table. */
  readonly count: number;
}

/** A document that cannot be read; the message is one line that says why. */
export class LogFormatError extends Error {
  override readonly name = 'LogFormatError';
}

/** What stands between the first line and the records. */
interface Header {
  readonly mode: string;
  readonly byteOrder: string;
  readonly settings: PolicySettings;
  readonly first: number;
  readonly recordBytes: number;
  readonly checkpoints: readonly { kind: 'gate' | 'rate'; place: number; at: number; bytes: number }[];
  /** Checksums of the rest, one for each block. */
  readonly blocks: readonly number[];
}

const BLOCK = 65_536;
/** Every version begins so. */
const MAGIC = 'sluice-decisions ';
const WRITER = /^sluice-decisions (\d+) sluice (\S+)\s/;
const FIRST_LINE = /^sluice-decisions \d+ sluice \S+ header (\d+) crc (\d+)\n/;
const LONGEST_FIRST_LINE = 160;

/** Whether a file is meant to be a decision log, whole or not. */
export function isDecisionLog(bytes: Uint8Array): boolean {
  return bytes.length > 0 && MAGIC.startsWith(textOf(bytes.subarray(0, MAGIC.length)));
}

/**
 * Writes a document: a line with the versions, a JSON header with the settings, then records and states as they lie in
 * memory, with a checksum for every 64 KiB.
 */
export function encodeLog({ mode, settings, first, records, checkpoints }: LogParts): Uint8Array {
  const body = concat([records, ...checkpoints.map(({ state }) => bytesOf(state))]);
  const header: Header = {
    mode,
    byteOrder: endianness(),
    settings,
    first,
    recordBytes: records.length,
    checkpoints: checkpoints.map(({ kind, place, at, state }) => ({ kind, place, at, bytes: state.byteLength })),
    blocks: checksums(body),
  };
  const text = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  const line = `sluice-decisions ${LOG_VERSION} sluice ${packageVersion()} header ${text.length} crc ${crc32(text)}\n`;
  return concat([new TextEncoder().encode(line), text, body]);
}

/**
 * Reads a document.
 *
 * @throws LogFormatError for one of another version, and for one that is cut off or damaged, naming the byte.
 */
export function decodeLog(bytes: Uint8Array): DecodedLog {
  const begin = textOf(bytes.subarray(0, LONGEST_FIRST_LINE));
  const [, version, writtenBy = ''] = WRITER.exec(begin) ?? [];
  if (version !== undefined && Number(version) !== LOG_VERSION) {
    throw new LogFormatError(
      `written by Sluice ${writtenBy} in version ${version} of the log; ` +
        `this is Sluice ${packageVersion()}, which reads version ${LOG_VERSION}`,
    );
  }
  const line = FIRST_LINE.exec(begin);
  if (line === null) throw noLog(begin, bytes.length);
  const [all, headerBytes, crc] = line;
  const bodyAt = all.length + Number(headerBytes);
  if (bytes.length < bodyAt) throw cutOff(bytes.length, bodyAt, 'its header goes on to byte');
  const text = bytes.subarray(all.length, bodyAt);
  if (crc32(text) !== Number(crc)) throw damaged(all.length, bodyAt);
  const header = JSON.parse(new TextDecoder().decode(text)) as Header;
  if (header.byteOrder !== endianness()) {
    throw new LogFormatError(
      `written on a machine with byte order ${header.byteOrder}; this one has ${endianness()}, read it on the former`,
    );
  }
  checkBody(bytes, bodyAt, header);
  return { ...partsOf(bytes, bodyAt, header), writtenBy };
}

function partsOf(bytes: Uint8Array, bodyAt: number, header: Header): Omit<DecodedLog, 'writtenBy'> {
  const { mode, settings, first, recordBytes } = header;
  let at = bodyAt + recordBytes;
  const checkpoints = header.checkpoints.map(({ kind, place, at: position, bytes: length }) => {
    const state = new Float64Array(aligned(bytes, at, length));
    at += length;
    return { kind, place, at: position, state };
  });
  const records = new RecordTable(aligned(bytes, bodyAt, recordBytes));
  return { mode, settings, first, records, count: recordBytes / RECORD_BYTES, checkpoints };
}

function checkBody(bytes: Uint8Array, bodyAt: number, header: Header): void {
  const length = header.checkpoints.reduce((sum, each) => sum + each.bytes, header.recordBytes);
  const endsAt = bodyAt + length;
  if (bytes.length < endsAt) throw cutOff(bytes.length, endsAt, 'it goes on to byte');
  if (bytes.length > endsAt) throw new LogFormatError(`damaged: it should end at byte ${endsAt}, and goes on`);
  const found = checksums(bytes.subarray(bodyAt));
  const wrong = found.findIndex((crc, block) => crc !== header.blocks[block]);
  if (wrong !== -1) throw damaged(bodyAt + wrong * BLOCK, Math.min(endsAt, bodyAt + (wrong + 1) * BLOCK));
}

function noLog(begin: string, length: number): LogFormatError {
  if (length === 0) return new LogFormatError('no decision log: it is empty');
  if (length < LONGEST_FIRST_LINE && MAGIC.startsWith(begin.slice(0, MAGIC.length))) {
    return new LogFormatError(`cut off at byte ${length}: its first line has no end`);
  }
  return new LogFormatError('no decision log: it does not begin with "sluice-decisions" at byte 0');
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}

function cutOff(at: number, end: number, what: string): LogFormatError {
  return new LogFormatError(`cut off at byte ${at}: ${what} ${end}`);
}

function damaged(from: number, to: number): LogFormatError {
  return new LogFormatError(`damaged between byte ${from} and byte ${to}: the checksum is another one`);
}

function checksums(body: Uint8Array): number[] {
  const blocks = Math.ceil(body.length / BLOCK);
  return Array.from({ length: blocks }, (_, block) => crc32(body.subarray(block * BLOCK, (block + 1) * BLOCK)));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A copy that begins where numbers may begin. */
function aligned(bytes: Uint8Array, at: number, length: number): ArrayBuffer {
  // Not by slice(): that of a Buffer, which files are read into, is no copy.
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(at, at + length));
  return copy.buffer;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
