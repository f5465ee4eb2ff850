import type { PoolValues } from './config.js';
import { parseServerUrl } from './mask.js';

/** Ways to write one and the same host. */
const LOOPBACK: ReadonlySet<string> = new Set(['', 'localhost', '127.0.0.1', '[::1]', '::1']);

/**
 * What is wrong where a pool gives way to another: pools share only the CPU, locks and disks of one server. `undefined`
 * where nothing is, or where the URLs do not tell, as behind a PgBouncer.
 */
export function otherServer(own: Partial<PoolValues>, favoured: Partial<PoolValues>): string | undefined {
  if (behindPooler(own) || behindPooler(favoured)) return undefined;
  const [mine, theirs] = [serverOf(own.url), serverOf(favoured.url)];
  if (mine === undefined || theirs === undefined || mine === theirs) return undefined;
  return `that pool is on another server, ${theirs}, and this one on ${mine}: giving way would free nothing there`;
}

/** What to do about it. */
export const OTHER_SERVER_REMEDY =
  'leave it out, write both URLs with one host and port, or set pooler to pgbouncer where they meet behind one';

const behindPooler = ({ pooler, poolerAdminUrl }: Partial<PoolValues>): boolean =>
  pooler === 'pgbouncer' || poolerAdminUrl !== undefined;

/** Host and port, without secrets; `undefined` where the URL names no server. */
function serverOf(text: string | undefined): string | undefined {
  const url = text === undefined ? undefined : parseServerUrl(text);
  if (url === undefined) return undefined;
  const { hostname, port, protocol, searchParams } = url;
  const named = searchParams.get('host') || searchParams.get('socketPath');
  // A socket's URL has no host of its own; otherwise such names lead nowhere (RFC 2606), as those of simulations do.
  if (named === null && hostname.endsWith('.invalid')) return undefined;
  const host = named || hostname.toLowerCase();
  const usual = /^(?:mysql|mariadb)/i.test(protocol) ? '3306' : '5432';
  return `${LOOPBACK.has(host) ? 'localhost' : host}:${searchParams.get('port') || port || usual}`;
}
