const WRONG_DATABASE = /DB index/;
/** How the client, or the link, says that the connection ended without a word of the server. */
const CLOSED = /connection (?:is|was) closed/i;
/** What wants TLS ends a connection without it so; where it is no Redis but stands before one, without an error. */
const ENDED = /ECONNRESET|EPIPE|connection (?:is|was) closed/i;

/** What goes wrong with a Redis, by what says so, and what that probably is. */
const LIKELY: readonly (readonly [saysSo: RegExp, is: string])[] = [
  [/RESP type|Protocol error/i, "what answers there does not speak Redis's protocol: look at host and port of the URL"],
  [/what it cannot answer/, 'what answers there is no Redis: look at host and port of the URL'],
  [/WRONG_VERSION|wrong version number/i, 'what answers there does not speak TLS: use redis:// instead of rediss://'],
  [/CERT|certificate/, 'its certificate is not trusted here: let NODE_EXTRA_CA_CERTS name that of who issued it'],
  [/ECONNREFUSED/, 'nothing listens there: look at host and port of the URL'],
  [/ENOTFOUND|EAI_AGAIN/, 'its host name is not known: look at the URL, and at the name server'],
  [
    ENDED,
    'it ends connections at once: perhaps it wants TLS (rediss://), its maxclients is reached, or it is no Redis',
  ],
  [/ETIMEDOUT/, 'nothing answers there: look at host, port and firewall, and whether it wants no TLS (redis://)'],
  [/^READONLY/, 'it is a replica, which takes no writes: let the URL name the primary'],
  [
    /^(?:MOVED|ASK|CLUSTERDOWN)\b/,
    'it is a node of a Redis Cluster: give createGateway a `Cluster` of ioredis as `redis`',
  ],
  [WRONG_DATABASE, 'it has no database of the number in the path of the URL'],
  [/^(?:NOAUTH|WRONGPASS|ERR AUTH)/, 'correct user and password of the URL'],
  [
    /^NOPERM|can't run this command|ACL failure/,
    'its user needs the keys sluice:*, and EVAL, EVALSHA, TIME, HGETALL, HMGET, HSET, HDEL, SET, DEL and PEXPIRE',
  ],
  [/^OOM/, 'its memory is full (maxmemory): give it more, or forget there what others keep without a time to live'],
];

/** What it is where the address was right before. */
const LIKELY_LATER: typeof LIKELY = [
  [/ECONNREFUSED/, 'nothing listens there any more'],
  [ENDED, 'it has ended the connection'],
  [/ETIMEDOUT/, 'nothing answers there any more'],
];

/** That nothing can be sent is what follows; what came first says why. */
const UNSENT = /isn't writeable/;

/** Whether an error only says that there is no connection, and not why. */
export function isConsequence(error: Error): boolean {
  return UNSENT.test(error.message) || isEnded(error);
}

/** Whether an error only says that the connection has ended: all there is to tell where nothing came before it. */
export function isEnded(error: Error): boolean {
  return CLOSED.test(error.message);
}

/** How the server says where in a script it refused something: nothing for people. */
const IN_SCRIPT = /,? script: \w+, on @user_script:(\d+)\.?/;

/** An error of a script with the command that was refused, where the server only says in which line that stands. */
export function explainRefusal(error: unknown, script: string): unknown {
  if (!(error instanceof Error)) return error;
  const [where, line] = IN_SCRIPT.exec(error.message) ?? [];
  if (where === undefined) return error;
  const until = script.split('\n').slice(0, Number(line)).join('\n');
  const command = [...until.matchAll(/redis\.p?call\('(\w+)'/g)].at(-1)?.[1];
  const explained = new Error(error.message.replace(where, command === undefined ? '' : ` (${command})`), {
    cause: error,
  });
  explained.name = error.name;
  return explained;
}

/** Whether the server said so, and not its client, a network or a clock: then nothing was done of what was asked. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** What is told as long as nothing is known. */
export const NO_ANSWER_YET = 'no answer yet';

/** Nobody has waited any longer. */
export function noAnswerWithin(ms: number): Error {
  return new Error(`no answer within ${ms} ms`);
}

/** Whether a trouble only says that there was no answer, and not why. */
export function isUnexplained(trouble: string): boolean {
  return trouble.startsWith('no answer ');
}

/** Whether the number of the database is none that the server has. */
export function isWrongDatabase(error: unknown): error is Error {
  return error instanceof Error && WRONG_DATABASE.test(error.message);
}

/**
 * An error of Redis or its client in one line, with what it probably is. It never repeats a password.
 *
 * @param answered - Whether it has answered before: then it is not the address that is wrong.
 */
export function describeTrouble(error: Error, answered = false): string {
  const { code } = error as { code?: unknown };
  const text = error.message === '' ? error.name : error.message;
  // What TLS and the client say of themselves is for those who make them.
  const told = /SSL routines|RESP type/.test(text) || isEnded(error) ? undefined : text;
  const named = typeof code === 'string' && told?.includes(code) !== true ? code : undefined;
  const known = answered ? [...LIKELY_LATER, ...LIKELY] : LIKELY;
  const likely = known.find(([saysSo]) => saysSo.test(text) || (named !== undefined && saysSo.test(named)))?.[1];
  return [named, told, likely].filter((part) => part !== undefined).join(': ');
}
