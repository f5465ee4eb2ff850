import { createRedisClient, RedisPackageError } from '../../fleet/redis-client.js';
import { REDIS_PATIENCE_MS, type RedisClient } from '../../fleet/redis-link.js';
import { redisPlace } from '../../fleet/redis-place.js';
import { describeTrouble, isConsequence } from '../../fleet/redis-trouble.js';
import { noAnswer } from '../../fleet/script-answer.js';
import { type Finding, findingsAbout } from './finding.js';

const about = findingsAbout('redis');

const CONNECT_MS = 3_000;
const ROUNDS = 5;
const SKEW_MS = 1_000;
const WRITE = "return redis.call('SET', KEYS[1], '', 'PX', 1000)";

/** Where the limits of a fleet live: whether they can be kept there, and how far away that is. */
export async function checkRedis(url: string): Promise<Finding[]> {
  let client: RedisClient | undefined;
  let met: Error | undefined;
  try {
    client = await createRedisClient(url, Math.random);
    // The promise tells only that there is no connection.
    client.on('error', (error) => {
      if (error instanceof Error && !isConsequence(error)) met ??= error;
    });
    await within(client.connect(), CONNECT_MS);
    const findings = await look(client);
    // It connects all the same, to the first database.
    if (met !== undefined) throw met;
    return findings;
  } catch (error) {
    // Told among the packages already.
    if (error instanceof RedisPackageError) return [];
    const failure = error instanceof Error ? error : new Error(String(error));
    const reason = describeTrouble(isConsequence(failure) ? (met ?? failure) : failure);
    const place = client && redisPlace(client, url);
    return [
      about.failure(
        'reach',
        `${place === undefined ? '' : `${place} `}cannot be used (${reason})`,
        'correct SLUICE_REDIS_URL; until then each instance keeps its own limits',
      ),
    ];
  } finally {
    client?.disconnect();
  }
}

async function look(client: RedisClient): Promise<Finding[]> {
  const told = await ask(client, "return redis.call('INFO')");
  if (typeof told !== 'string') throw noAnswer();
  const info = parseInfo(told);
  const findings = [about.ok('version', `Redis ${info.get('redis_version') ?? 'of an unknown version'}`)];
  if (info.get('role') === 'slave') {
    return [...findings, about.failure('role', 'is a replica, which takes no writes', 'give the URL of the primary')];
  }
  await within(client.eval(WRITE, 1, 'sluice:doctor'), CONNECT_MS);
  const policy = info.get('maxmemory_policy');
  const evicts = policy?.startsWith('allkeys-') === true && info.get('maxmemory') !== '0';
  findings.push(
    evicts
      ? about.warning(
          'memory',
          `forgets any key when full (${policy})`,
          'use maxmemory-policy volatile-ttl or noeviction',
        )
      : about.ok('memory', 'keeps what limits need'),
  );
  return [...findings, ...(await measure(client))];
}

async function measure(client: RedisClient): Promise<Finding[]> {
  const times: number[] = [];
  let skewMs = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const fromMs = performance.now();
    const sentMs = Date.now();
    const [seconds, micros] = (await ask(client, "return redis.call('TIME')")) as readonly string[];
    skewMs = Number(seconds) * 1000 + Number(micros) / 1000 - (sentMs + Date.now()) / 2;
    times.push(performance.now() - fromMs);
  }
  const medianMs = times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
  const answer = `answers in ${medianMs.toFixed(1)} ms`;
  const clock = `its clock is ${Math.abs(Math.round(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this one`;
  return [
    medianMs <= REDIS_PATIENCE_MS / 2
      ? about.ok('distance', answer)
      : about.warning(
          'distance',
          `${answer}; after ${REDIS_PATIENCE_MS} ms it counts as away`,
          'use one that is nearer',
        ),
    Math.abs(skewMs) <= SKEW_MS
      ? about.ok('clock', clock)
      : about.warning('clock', clock, 'set both by NTP; the limits go by the clock of Redis alone'),
  ];
}

function ask(client: RedisClient, script: string): Promise<unknown> {
  return within(client.eval(script, 0), CONNECT_MS);
}

function within<T>(work: Promise<T>, boundMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${boundMs} ms`)), boundMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
