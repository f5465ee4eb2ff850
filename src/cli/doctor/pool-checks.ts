import type { GatewayConfig, PoolConfig } from '../../config/config.js';
import { checkServerBudget, serverOf } from '../../gateway/budget-check.js';
import { checkPooler, PoolerModeError } from '../../gateway/pooler-check.js';
import { isMysqlUrl } from '../../pools/mysql-target.js';
import { type Finding, findingsAbout, splitRemedy } from './finding.js';
import { type OpenPool, probePool, waitingClock } from './probe-pool.js';
import { mysqlFacts, pgFacts, type SessionFacts } from './session-facts.js';

/** Versions that their makers still mend: older ones work as far as they do. */
const MENDED: Readonly<Record<SessionFacts['engine'], readonly [major: number, minor: number]>> = {
  PostgreSQL: [14, 0],
  MySQL: [8, 4],
  MariaDB: [10, 6],
};

/** From here on times in logs of both sides no longer fit together. */
const SKEW_MS = 1_000;

type Findings = ReturnType<typeof findingsAbout>;

/** Everything that shows on a session of one pool. */
export function checkPool(config: PoolConfig, all: GatewayConfig): Promise<Finding[]> {
  const about = findingsAbout(`pool "${config.name}"`);
  return probePool(
    config,
    all,
    async (open, warnings) => {
      const told = warnings.map((text) => about.warning('driver', text, 'see the sentence'));
      const sentMs = Date.now();
      const facts = await (isMysqlUrl(config.url) ? mysqlFacts : pgFacts)(open.connection);
      const halfWayMs = (sentMs + Date.now()) / 2;
      const own = [checkVersion(about, facts), checkTls(about, config, facts, open.pool.shared)];
      const clock = checkClock(about, facts, halfWayMs);
      const room = open.pool.shared
        ? await checkBehindPooler(about, config, all, open)
        : [await checkBudgetOf(about, config, all, open), ...checkLimits(about, config, all, facts)];
      return [about.ok('login', `logs in at ${serverOf(config.url)}`), ...told, ...own, clock, ...room];
    },
    (reason) => [about.failure('login', `cannot log in at ${serverOf(config.url)}`, reason)],
  );
}

function checkVersion(about: Findings, { engine, server, major, minor }: SessionFacts): Finding {
  const [least, leastMinor] = MENDED[engine];
  const newEnough = major > least || (major === least && minor >= leastMinor);
  if (newEnough) return about.ok('version', server);
  const wanted = engine === 'PostgreSQL' ? String(least) : `${least}.${leastMinor}`;
  return about.warning('version', `${server} is no longer maintained`, `upgrade to ${engine} ${wanted} or newer`);
}

function checkTls(about: Findings, { url }: PoolConfig, { tls }: SessionFacts, shared: boolean): Finding {
  // Behind a pooler the session tells of the way from there to the server.
  const way = shared ? 'from the pooler to the server' : 'to the server';
  if (tls !== undefined) return about.ok('tls', `${tls} ${way}`);
  if (isNear(serverOf(url))) return about.ok('tls', `no TLS ${way}, which does not leave this machine`);
  return about.warning(
    'tls',
    `no TLS ${way}: what is asked and answered can be read on the way`,
    'set tls: true, and tlsCa',
  );
}

function isNear(server: string): boolean {
  return server.startsWith('/') || /^(?:localhost|127\.[\d.]+|\[::1\]):\d+$/.test(server);
}

function checkClock(about: Findings, { serverMs }: SessionFacts, hereMs: number): Finding {
  const aheadMs = Math.round(serverMs - hereMs);
  const found = `the server's clock is ${Math.abs(aheadMs)} ms ${aheadMs < 0 ? 'behind' : 'ahead of'} this one`;
  if (Math.abs(aheadMs) <= SKEW_MS) return about.ok('clock', found);
  return about.warning('clock', found, 'set both by NTP; deadlines do not depend on it, but logs and windows do');
}

async function checkBudgetOf(
  about: Findings,
  { name }: PoolConfig,
  all: GatewayConfig,
  { connection }: OpenPool,
): Promise<Finding> {
  const { ok, message } = await checkServerBudget(
    connection,
    name,
    all,
    all.redisUrl === undefined ? all.instances : 1,
  );
  if (ok) return about.ok('budget', message);
  const { found, remedy } = splitRemedy(message);
  return about.failure('budget', found, remedy);
}

async function checkBehindPooler(
  about: Findings,
  config: PoolConfig,
  all: GatewayConfig,
  { pool, connection }: OpenPool,
): Promise<Finding[]> {
  const warned: Finding[] = [];
  const warn = (code: string, message: string): void => {
    const { found, remedy } = splitRemedy(message.replace(/; (?=set )/, ': '));
    warned.push(about.warning(code, found, remedy));
  };
  try {
    const { ok, message } = await checkPooler({ pool, config, all, clock: waitingClock, warn }, connection);
    const { found, remedy } = splitRemedy(message);
    if (!ok) return [...warned, about.failure('pooler', found, remedy)];
    return [...warned, about.ok('pooler', message === '' ? 'goes through a pooler' : message)];
  } catch (error) {
    if (!(error instanceof PoolerModeError)) throw error;
    const { found, remedy } = splitRemedy(error.message);
    return [about.failure('pooler', found, remedy)];
  }
}

/** A user or a database may have fewer sessions than the server; the budget does not know of that. */
function checkLimits(about: Findings, config: PoolConfig, all: GatewayConfig, facts: SessionFacts): Finding[] {
  const findings: Finding[] = [];
  const check = (what: 'user' | 'database', limit: number | undefined): void => {
    if (limit === undefined) return;
    const needed = sessionsOn(config, all, what);
    const found = `its ${what} may have ${limit} connections, and all pools of it need ${needed} in ${all.instances} instances`;
    const how = `raise the connection limit of the ${what}, or lower the sizes of the pools`;
    findings.push(needed <= limit ? about.ok(`${what}-limit`, found) : about.failure(`${what}-limit`, found, how));
  };
  check('user', facts.userLimit);
  check('database', facts.databaseLimit);
  return findings;
}

/** What the pools with the same user, or on the same database, may open in all instances. */
function sessionsOn({ url }: PoolConfig, { pools, instances }: GatewayConfig, what: 'user' | 'database'): number {
  const key = (text: string): string => {
    const { username, pathname } = new URL(text.replace('@/', '@localhost/'));
    return `${serverOf(text)} ${what === 'user' ? username : pathname}`;
  };
  const alike = [...pools.values()].filter((pool) => key(pool.url) === key(url));
  return alike.reduce((sum, { max }) => sum + max, 0) * instances;
}
