import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';

/** The settings of a section, without comments. */
export function section(text: string, name: string): [key: string, value: string][] {
  const [, body = ''] = text.split(`[${name}]`);
  const lines = body.split(/^\[/m)[0]?.split('\n') ?? [];
  return lines.flatMap((line): [string, string][] => {
    const [, key, value] = /^(\w+) = (.*)$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
}

/** A pooler with the file of a call, but for what belongs to this test. */
export function startFrom(text: string, users: Record<string, string>): Promise<PgbouncerServer> {
  const {
    listen_addr: _addr,
    listen_port: _port,
    auth_file: _file,
    admin_users: _admins,
    ...settings
  } = Object.fromEntries(section(text, 'pgbouncer'));
  const databases = section(text, 'databases').map(([key, value]) => `${key} = ${value}`);
  return startPgbouncer({ databases, users, settings });
}
