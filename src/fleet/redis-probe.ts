import type { RedisClient, RedisScript } from './redis-link.js';
import { explainRefusal, isReply } from './redis-trouble.js';
import { noAnswer } from './script-answer.js';
import { scriptOf } from './script-parts.js';

/** A script that was sent, on one key. */
export interface RedisCall {
  readonly script: RedisScript;
  readonly key: string;
  readonly args: readonly (string | number)[];
}

/**
 * A server that takes no writes, for want of memory or of a primary, answers every ping, and one may forbid any of the
 * commands of the ledgers. First comes what takes memory: without any, a script that has written is not refused.
 */
const READY = 'ready';
const REHEARSAL = scriptOf(`
redis.call('SET', KEYS[1], '')
redis.call('DEL', KEYS[1])
redis.call('TIME')
redis.call('HSET', KEYS[1], 'at', '0')
redis.call('PEXPIRE', KEYS[1], 5000)
redis.call('HGETALL', KEYS[1])
redis.call('HMGET', KEYS[1], 'at')
redis.call('HDEL', KEYS[1], 'none')
return '${READY}'
`);

/** How a server that is away is asked whether it is back. */
export class RedisProbe {
  readonly #client: RedisClient;
  readonly #key: string;
  #failedKey = '';
  #refused: RedisCall | undefined;

  /** @param key - Is written, with the hash tag of what could not be. */
  constructor(client: RedisClient, key: string) {
    this.#client = client;
    this.#key = key;
  }

  /** This failed. Where the server refused it, it is not back before it takes that very call: it may take others. */
  failed(call: RedisCall, error: unknown): void {
    this.#failedKey = call.key;
    if (isReply(error)) this.#refused = call;
  }

  /** The server is back. */
  passed(): void {
    this.#refused = undefined;
  }

  /** @throws Error where it is not back. */
  async run(inTime: <T>(answer: Promise<T>) => Promise<T>): Promise<void> {
    const key = `${this.#key}{${hashTag(this.#failedKey)}}`;
    const answer = await runScript(this.#client, { script: REHEARSAL, key, args: [] }, inTime);
    // A client may be set up to give bytes.
    if (String(answer) !== READY) throw noAnswer();
    // What was said once may be said again: the ledgers know the reports that they have heard.
    if (this.#refused !== undefined) await runScript(this.#client, this.#refused, inTime);
  }
}

/** Runs a script by its hash, and by its text where the server does not know it yet. */
export async function runScript(
  client: RedisClient,
  { script, key, args }: RedisCall,
  inTime: <T>(answer: Promise<T>) => Promise<T>,
): Promise<unknown> {
  try {
    return await inTime(client.evalsha(script.sha, 1, key, ...args)).catch((error) => {
      if (!isNoScript(error)) throw error;
      return inTime(client.eval(script.text, 1, key, ...args));
    });
  } catch (error) {
    throw explainRefusal(error, script.text);
  }
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** What decides on which node of a cluster a key is. */
function hashTag(key: string): string {
  return /\{([^}]+)\}/.exec(key)?.[1] ?? key;
}
