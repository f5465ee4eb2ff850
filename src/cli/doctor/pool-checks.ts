import type { GatewayConfig, PoolConfig } from '../../config/config.js';
import { lookBehind } from '../../gateway/budget-check.js';
import type { KnownServers } from '../../gateway/known-servers.js';
import type { PoolerReport } from '../../gateway/pooler-check.js';
import { PoolerModeError } from '../../gateway/pooler-mode.js';
import { serverOf } from '../../gateway/server-names.js';
import { serverVerdicts } from '../../gateway/server-verdicts.js';
import { isMysqlUrl } from '../../pools/mysql-target.js';
import { explainFailedLogin } from './failed-login.js';
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

/**
 * Everything that shows on a session of one pool. What its server said is noted, for {@link checkBudgets}.
 */
export function checkPool(config: PoolConfig, all: GatewayConfig, servers: KnownServers): Promise<Finding[]> {
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
      const room = await checkBehind(about, config, all, open, servers);
      return [about.ok('login', `logs in at ${serverOf(config.url)}`), ...told, ...own, clock, ...room];
    },
    ({ code, message }) => {
      const { why, remedy } = explainFailedLogin(code, message);
      return [about.failure('login', `cannot log in at ${serverOf(config.url)}: ${why}`, remedy)];
    },
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

/** Whether all pools together fit their servers, users and databases; every pool was looked at. */
export function checkBudgets(all: GatewayConfig, servers: KnownServers): Finding[] {
  // Those of a fleet divide what there is among each other.
  const instances = all.redisUrl === undefined ? all.instances : 1;
  return [...all.pools.keys()].flatMap((name) => {
    const about = findingsAbout(`pool "${name}"`);
    return serverVerdicts(name, servers, all, instances).map(({ check, ok, message }) => {
      if (ok) return about.ok(check, message);
      const { found, remedy } = splitRemedy(message);
      return about.failure(check, found, remedy);
    });
  });
}

async function checkBehind(
  about: Findings,
  config: PoolConfig,
  all: GatewayConfig,
  { pool, connection }: OpenPool,
  servers: KnownServers,
): Promise<Finding[]> {
  const warned: Finding[] = [];
  const warn = (code: string, message: string): void => {
    const { found, remedy } = splitRemedy(message.replace(/; (?=set )/, ': '));
    warned.push(about.warning(code, found, remedy));
  };
  try {
    const report = await lookBehind({ pool, config, all, clock: waitingClock, warn }, connection, servers);
    if (report === undefined) return warned;
    const { found, remedy } = splitRemedy(report.message);
    const recovery = checkRecovery(about, config, report, warned);
    if (!report.ok) return [...warned, about.failure('pooler', found, remedy), ...recovery];
    return [
      ...warned,
      about.ok('pooler', report.message === '' ? 'goes through a pooler' : report.message),
      ...recovery,
    ];
  } catch (error) {
    if (!(error instanceof PoolerModeError)) throw error;
    const { found, remedy } = splitRemedy(error.message);
    return [about.failure('pooler', found, remedy)];
  }
}

/** What the start would warn of is among the warnings already. */
function checkRecovery(
  about: Findings,
  { poolerAdminUrl }: PoolConfig,
  { loginRetryMs }: PoolerReport,
  warned: readonly Finding[],
): Finding[] {
  if (warned.some(({ check }) => check === 'pooler_recovers_late')) return [];
  if (loginRetryMs !== undefined) {
    return [about.ok('pooler-recovery', `the pooler looks for a server that was away every ${loginRetryMs} ms`)];
  }
  // Of a console that does not answer there is a warning already.
  if (poolerAdminUrl !== undefined) return [];
  const remedy = 'set server_login_retry = 0.2 in the pooler (its default is 15 s), and poolerAdminUrl to have it read';
  return [about.unknown('pooler-recovery', 'nobody can tell how soon the pooler finds a server that was away', remedy)];
}
