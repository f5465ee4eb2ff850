import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { GatewayConfig } from '../../config/config.js';
import { splitDescriptors } from '../../core/descriptors.js';
import { readDescriptorLimit } from '../../gateway/descriptor-check.js';
import { serverOf } from '../../gateway/server-names.js';
import { isMysqlUrl } from '../../pools/mysql-target.js';
import { type Finding, findingsAbout, splitRemedy } from './finding.js';

const { ok, unknown, warning, failure } = findingsAbout('host');

/** The least Node that the package runs on (`engines`). */
const LEAST_NODE = { major: 20, minor: 19 } as const;

/**
 * Ports beyond those of the pools: each cancel and each reconnect leaves one behind that the system keeps closed for a
 * minute.
 */
const SPARE_PORTS = 1_000;

/** With fewer an application does not even load: Node opens all modules at once that one of them imports. */
const FEWEST_DESCRIPTORS = 128;

/** What of this machine the checks look at; the default is this machine itself. */
export interface Host {
  readonly nodeVersion: string;
  /** Descriptors that a process may have open; `undefined` where the system does not tell. */
  readonly descriptors: number | undefined;
  /** How many local ports there are for connections; `undefined` where the system does not tell. */
  readonly ports: number | undefined;
  /** The version of an installed package. */
  versionOf(name: string): string | undefined;
}

/** This machine, read now. */
export function thisHost(): Host {
  return {
    nodeVersion: process.versions.node,
    descriptors: readDescriptorLimit(),
    ports: readPortCount(),
    versionOf: installedVersion,
  };
}

/** What the process that runs the gateway will meet on its own machine. */
export function checkHost(config: GatewayConfig, host: Host): Finding[] {
  return [checkNode(host), ...checkDrivers(config, host), checkDescriptors(config, host), checkPorts(config, host)];
}

function checkNode({ nodeVersion }: Host): Finding {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const { major: least, minor: leastMinor } = LEAST_NODE;
  if (major > least || (major === least && minor >= leastMinor)) return ok('node', `Node ${nodeVersion}`);
  return failure('node', `Node ${nodeVersion}`, `use Node ${least}.${leastMinor} or newer`);
}

function checkDrivers(config: GatewayConfig, { versionOf }: Host): Finding[] {
  const urls = [...config.pools.values()].map(({ url }) => url);
  const wanted = [
    ...(urls.some((url) => !isMysqlUrl(url)) ? ['pg'] : []),
    ...(urls.some(isMysqlUrl) ? ['mysql2'] : []),
    ...(config.redisUrl === undefined ? [] : ['ioredis']),
  ];
  return wanted.map((name) => {
    const version = versionOf(name);
    if (version !== undefined) return ok(name, `${name} ${version}`);
    return failure(name, `the package "${name}" is not installed`, `run "npm install ${name}"`);
  });
}

function checkDescriptors(config: GatewayConfig, { descriptors }: Host): Finding {
  if (descriptors === undefined) {
    return unknown('descriptors', 'this system does not tell its file descriptors', 'look at "ulimit -n" yourself');
  }
  const sessions = [...config.pools.values()].reduce((sum, { max }) => sum + max, 0);
  const verdict = splitDescriptors(descriptors, sessions);
  if (verdict.ok) return ok('descriptors', verdict.detail);
  const { found, remedy } = splitRemedy(verdict.detail);
  // No client could be told anything.
  const none = descriptors < FEWEST_DESCRIPTORS || verdict.clients <= 1;
  return (none ? failure : warning)('descriptors', found, remedy);
}

/** Each server is an address of its own, so the busiest one decides. */
function checkPorts(config: GatewayConfig, { ports }: Host): Finding {
  if (ports === undefined) {
    return unknown('ports', 'this system does not tell its range of local ports', 'leave at least 1000 to the pools');
  }
  const sessions = new Map<string, number>();
  for (const { url, max } of config.pools.values()) {
    sessions.set(serverOf(url), (sessions.get(serverOf(url)) ?? 0) + max);
  }
  const most = Math.max(0, ...sessions.values());
  const found = `${ports} local ports, of which one server needs ${most} and what was just closed some more`;
  if (ports >= most + SPARE_PORTS) return ok('ports', found);
  return warning('ports', found, `widen net.ipv4.ip_local_port_range to at least ${most + SPARE_PORTS} ports`);
}

function readPortCount(): number | undefined {
  try {
    const [first, last] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    return first === undefined || last === undefined ? undefined : last - first + 1;
  } catch {
    return undefined;
  }
}

function installedVersion(name: string): string | undefined {
  try {
    const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { readonly version: string };
    return version;
  } catch {
    return undefined;
  }
}
