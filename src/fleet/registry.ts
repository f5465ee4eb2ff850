import { type FleetBook, leave, type MemberReply, type MemberReport, meet } from '../core/fleet-book.js';
import type { RedisLink } from './redis-link.js';
import { noAnswer } from './script-answer.js';
import { scriptOf } from './script-parts.js';

/** Where the instances of a fleet find each other: keeps their book, one entry at a time. */
export interface Registry {
  /**
   * Enters what an instance says of itself.
   *
   * @throws Error where the book cannot be reached: whether the entry was made is not known then.
   */
  meet(report: MemberReport): Promise<MemberReply>;
  /** Strikes an instance out that has ended in order. @throws Error as {@link Registry.meet}. */
  leave(id: string): Promise<void>;
}

/**
 * Reads the book and the server's time, and writes the next book where nobody has written since; else it returns what
 * stands there now. KEYS[1]: a hash of `version` and `book`; whatever else is there counts as no book, and gives way to
 * the next one. ARGV, where it is to be written: the version that was read, the next one, the next book, its time to
 * live in ms. Returns 1 or 0 for written, the time in ms, version and book, 1 or 0 for something else that gave way.
 */
const SCRIPT = scriptOf(`
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
local other = false
local state = redis.pcall('HMGET', KEYS[1], 'version', 'book')
if state.err then
  other = string.find(state.err, 'WRONGTYPE', 1, true)
  -- Anything else fails again, and says where.
  state = other and {} or redis.call('HMGET', KEYS[1], 'version', 'book')
end
local version, book = state[1] or '', state[2] or ''
if #ARGV == 0 or version ~= ARGV[1] then return { 0, now, version, book, 0 } end
if other then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'book', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 1, now, ARGV[2], '', other and 1 or 0 }
`);

/** A fleet of which nobody has written for so long is none any more. */
const FORGET_MS = 60_000;
/** Attempts to write before others have written. They take turns by chance. */
const ATTEMPTS = 20;

interface State {
  readonly written: boolean;
  readonly nowMs: number;
  readonly version: string;
  readonly book: FleetBook | undefined;
}

/**
 * The book of a fleet in Redis: one key, the server's time. Read and written back where nobody else has written
 * meanwhile (optimistic, by version), so that what is entered is worked out in one place, whoever keeps the book; an
 * entry whose answer was lost, or that arrives late, does no harm.
 */
export class RedisRegistry implements Registry {
  readonly #link: RedisLink;
  readonly #key: string;
  readonly #writer: string;
  readonly #onReplaced: (key: string) => void;
  #written = 0;

  /**
   * @param writer - Names this instance; unique in the fleet.
   * @param onReplaced - There was something else than a book under this key, and is no more.
   */
  constructor(link: RedisLink, key: string, writer: string, onReplaced: (key: string) => void) {
    this.#link = link;
    this.#key = key;
    this.#writer = writer;
    this.#onReplaced = onReplaced;
  }

  meet(report: MemberReport): Promise<MemberReply> {
    return this.#change((book, nowMs) => {
      const met = meet(book, nowMs, report);
      return { book: met.book, result: met.reply };
    });
  }

  async leave(id: string): Promise<void> {
    await this.#change((book, nowMs) => book && { book: leave(book, nowMs, id), result: undefined });
  }

  async #change<T>(
    entry: (book: FleetBook | undefined, nowMs: number) => { readonly book: FleetBook; readonly result: T } | undefined,
  ): Promise<T> {
    let state = await this.#ask([]);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const made = entry(state.book, state.nowMs);
      if (made === undefined) return undefined as T;
      this.#written += 1;
      const next = `${this.#writer}:${this.#written}`;
      state = await this.#ask([state.version, next, writeBook(made.book), FORGET_MS]);
      if (state.written) return made.result;
    }
    throw new Error('the book of the fleet was written by others all the time');
  }

  async #ask(args: readonly (string | number)[]): Promise<State> {
    const { replaced, ...state } = await this.#link.run(SCRIPT, this.#key, args, readState);
    if (replaced) this.#onReplaced(this.#key);
    return state;
  }
}

function readState(answer: unknown): State & { readonly replaced: boolean } {
  const [written, now, version, book, replaced] = Array.isArray(answer) ? answer : [];
  const nowMs = Number(now);
  if (typeof version !== 'string' || typeof book !== 'string' || !Number.isFinite(nowMs)) throw noAnswer();
  return { written: Number(written) === 1, nowMs, version, book: readBook(book), replaced: Number(replaced) === 1 };
}

type WrittenMember = Omit<FleetBook['members'][number], 'fields'> & { readonly fields: number };

interface WrittenBook extends Omit<FleetBook, 'members'> {
  readonly members: readonly WrittenMember[];
  readonly texts: readonly string[];
}

/** Most instances have the same configuration: it stands in the book once. */
function writeBook(book: FleetBook): string {
  const texts = [...new Set(book.members.map(({ fields }) => fields))];
  const members = book.members.map((member) => ({ ...member, fields: texts.indexOf(member.fields) }));
  return JSON.stringify({ ...book, members, texts });
}

/** What cannot be read counts as lost: everybody writes it again. */
function readBook(text: string): FleetBook | undefined {
  if (text === '') return undefined;
  try {
    const { texts, ...book } = JSON.parse(text) as WrittenBook;
    const times = [book.clockMs, book.atMs, book.frozenUntilMs, ...book.members.map(({ seenMs }) => seenMs)];
    if (!times.every((time) => typeof time === 'number' && Number.isFinite(time))) return undefined;
    const named = ({ id, claims }: WrittenMember): boolean =>
      typeof id === 'string' && claims.every(({ server }) => typeof server === 'string');
    if (!book.members.every(named)) return undefined;
    return { ...book, members: book.members.map((member) => ({ ...member, fields: texts[member.fields] ?? '' })) };
  } catch {
    return undefined;
  }
}
