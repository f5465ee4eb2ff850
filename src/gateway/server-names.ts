import { isMysqlUrl } from '../pools/mysql-target.js';

/** Host and port of a connection URL: what names a server without its secrets. A socket's URL may have no host. */
export function serverOf(url: string): string {
  const { hostname, port, searchParams } = new URL(url.replace('@/', '@localhost/'));
  const host = searchParams.get('host') || searchParams.get('socketPath') || hostname || 'localhost';
  return `${host}:${searchParams.get('port') || port || (isMysqlUrl(url) ? '3306' : '5432')}`;
}

/** What of a URL decides which connections of a pooler its clients share. Holds no secret. */
export function entryOf(url: string): string {
  const { username, pathname } = new URL(url.replace('@/', '@localhost/'));
  return `${serverOf(url)}${pathname}|${username}`;
}
