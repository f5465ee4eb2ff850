const WRONG_DATABASE = /DB index/;

/** What goes wrong with a Redis, by what says so, and what that probably is. */
const LIKELY: readonly (readonly [saysSo: RegExp, is: string])[] = [
  [/RESP type|Protocol error/i, "what answers there does not speak Redis's protocol: look at host and port of the URL"],
  [/WRONG_VERSION|wrong version number/i, 'what answers there does not speak TLS: use redis:// instead of rediss://'],
  [/CERT|certificate/, 'its certificate is not trusted here: let NODE_EXTRA_CA_CERTS name that of who issued it'],
  [/ECONNREFUSED/, 'nothing listens there: look at host and port of the URL'],
  [/ENOTFOUND|EAI_AGAIN/, 'its host name is not known: look at the URL, and at the name server'],
  [/ECONNRESET|EPIPE/, 'it ends connections at once: perhaps it wants TLS (rediss://), or its maxclients is reached'],
  [/ETIMEDOUT/, 'nothing answers there: look at host, port and firewall, and whether it wants no TLS (redis://)'],
  [
    /^(?:MOVED|ASK|CLUSTERDOWN)\b/,
    'it is a node of a Redis Cluster: give createGateway a `Cluster` of ioredis as `redis`',
  ],
  [WRONG_DATABASE, 'it has no database of the number in the path of the URL'],
  [/^(?:NOAUTH|WRONGPASS|ERR AUTH)/, 'correct user and password of the URL'],
  [/^NOPERM/, 'give its user the rights to the keys sluice:*, and to EVAL, EVALSHA and what scripts call'],
];

/** What it is where the address was right before. */
const LIKELY_LATER: typeof LIKELY = [
  [/ECONNREFUSED/, 'nothing listens there any more'],
  [/ECONNRESET|EPIPE/, 'it has ended the connection'],
  [/ETIMEDOUT/, 'nothing answers there any more'],
];

/** That nothing can be sent is what follows; what came first says why. */
const CONSEQUENCE = /isn't writeable|Connection is closed|the connection was closed/;

/** Whether an error only says that there is no connection, and not why. */
export function isConsequence(error: Error): boolean {
  return CONSEQUENCE.test(error.message);
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
  const told = /SSL routines|RESP type/.test(text) ? undefined : text;
  const named = typeof code === 'string' && told?.includes(code) !== true ? code : undefined;
  const known = answered ? [...LIKELY_LATER, ...LIKELY] : LIKELY;
  const likely = known.find(([saysSo]) => saysSo.test(text) || (named !== undefined && saysSo.test(named)))?.[1];
  return [named, told, likely].filter((part) => part !== undefined).join(': ');
}
