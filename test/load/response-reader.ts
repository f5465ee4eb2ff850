/** One complete answer. */
export interface Answer {
  readonly status: number;
  /** The `code` member of a problem document, else an empty text. */
  readonly code: string;
  /** Whether the server keeps the connection open. */
  readonly keepAlive: boolean;
  /** `Retry-After` of a refusal, in seconds; absent where there is none or it is a date. */
  readonly retryAfterSeconds?: number;
  /** The `retry_after_ms` member of a problem document, which is finer; absent where there is none. */
  readonly retryAfterMs?: number;
}

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 65_536;
const MAX_KEPT_BODY = 8_192;
const WAIT = /"retry_after_ms"\s*:\s*(\d+)/;
const RETRY_AFTER = /\r\nretry-after: *(\d+)\r\n/;
const CODE = /"code"\s*:\s*"([a-z_]+)"/;
const CHUNK_LINE = /(?:^|\r\n)[0-9a-fA-F]+\r\n/g;

/**
 * Reads HTTP/1.1 answers, one after another, from one connection: status, framing by `Content-Length` or chunks, and
 * the problem code where the status is not 2xx. Bodies of good answers are counted and thrown away.
 */
export class ResponseReader {
  #head = '';
  #status = 0;
  #inBody = false;
  #keepAlive = true;
  #left = 0;
  #chunked = false;
  #kept = '';
  #retryAfter: string | undefined;

  /**
   * Takes bytes, as latin1 text.
   *
   * @returns The answer when its last byte is among them.
   * @throws Error when the bytes are not an answer that this reader understands; the connection is then of no use.
   */
  push(text: string): Answer | undefined {
    if (this.#inBody) return this.#body(text);
    this.#head = this.#head === '' ? text : this.#head + text;
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) {
      if (this.#head.length > MAX_HEAD_BYTES) throw new Error('the head of the answer has no end');
      return undefined;
    }
    const head = this.#head.slice(0, end + 2);
    const rest = this.#head.slice(end + HEAD_END.length);
    this.#head = '';
    this.#readHead(head);
    // An interim answer (100, 103) announces the real one.
    if (this.#status < 200) return rest === '' ? undefined : this.push(rest);
    this.#inBody = true;
    return this.#body(rest);
  }

  #readHead(head: string): void {
    this.#status = Number(head.slice(9, 12));
    if (!head.startsWith('HTTP/1.') || !(this.#status >= 100)) throw new Error('the answer does not begin as HTTP/1.1');
    const lower = head.toLowerCase();
    this.#keepAlive = !lower.includes('\r\nconnection: close\r\n');
    this.#chunked = lower.includes('\r\ntransfer-encoding: chunked\r\n');
    const at = lower.indexOf('\r\ncontent-length:');
    if (at >= 0) this.#left = Number(lower.slice(at + 17, lower.indexOf('\r\n', at + 17)));
    else if (this.#chunked || this.#status < 200 || this.#status === 204 || this.#status === 304) this.#left = 0;
    else throw new Error('the answer has neither a length nor chunks');
    this.#kept = '';
    this.#retryAfter = this.#status >= 300 ? RETRY_AFTER.exec(lower)?.[1] : undefined;
  }

  #body(text: string): Answer | undefined {
    if (this.#status >= 300 && this.#kept.length < MAX_KEPT_BODY) this.#kept += text;
    if (this.#chunked) {
      // The tail alone tells whether the last chunk is in.
      this.#head = (this.#head + text).slice(-7);
      if (!this.#head.endsWith('\r\n0\r\n\r\n') && this.#head !== '0\r\n\r\n') return undefined;
    } else {
      this.#left -= text.length;
      if (this.#left > 0) return undefined;
      if (this.#left < 0) throw new Error('more bytes came than the answer announced');
    }
    const kept = this.#chunked ? this.#kept.replaceAll(CHUNK_LINE, '') : this.#kept;
    const code = this.#status >= 300 ? (CODE.exec(kept)?.[1] ?? '') : '';
    this.#inBody = false;
    this.#head = '';
    return { status: this.#status, code, keepAlive: this.#keepAlive, ...this.#waits(kept) };
  }

  /** How long a refused caller is told to wait: whole seconds in the head, milliseconds in the body. */
  #waits(kept: string): Pick<Answer, 'retryAfterSeconds' | 'retryAfterMs'> {
    if (this.#retryAfter === undefined) return {};
    const waitMs = WAIT.exec(kept)?.[1];
    const retryAfterSeconds = Number(this.#retryAfter);
    return waitMs === undefined ? { retryAfterSeconds } : { retryAfterSeconds, retryAfterMs: Number(waitMs) };
  }
}
