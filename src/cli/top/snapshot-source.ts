import type { Snapshot } from '../../telemetry/snapshot.js';
import { CliError, UsageError } from '../command.js';

const ANSWER_MS = 5_000;
const FILE = 'snapshot.json';

/** Reads the figures of a running gateway. */
export interface SnapshotSource {
  /** Where they are read; holds no password. */
  readonly where: string;
  /** @throws CliError with what is wrong and what helps. */
  read(signal?: AbortSignal): Promise<Snapshot>;
}

/**
 * Reads the snapshots of an operations router.
 *
 * @param address - Where it is mounted, or its `snapshot.json`.
 * @param headers - Lines of `name: value`, for `authorize`.
 * @throws UsageError for what is no address or no header.
 */
export function snapshotSource(address: string, headers: readonly string[]): SnapshotSource {
  const url = urlOf(address);
  const fields = new Headers(headers.map(headerOf));
  if (url.username !== '') {
    fields.set(
      'authorization',
      `Basic ${btoa(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)}`,
    );
    url.username = '';
    url.password = '';
  }
  const where = `${url.origin}${url.pathname}`;
  return { where, read: (signal) => read(url, where, fields, signal) };
}

async function read(url: URL, where: string, headers: Headers, stop?: AbortSignal): Promise<Snapshot> {
  const limit = AbortSignal.timeout(ANSWER_MS);
  const signal = stop === undefined ? limit : AbortSignal.any([stop, limit]);
  // Whoever is redirected to may not be one who may see the headers.
  const response = await fetch(url, { headers, signal, redirect: 'manual' }).catch((error: unknown) => {
    throw new CliError(`${where} cannot be reached: ${reasonOf(error)}`);
  });
  if (response.status === 401 || response.status === 403) {
    throw new CliError(`${where} answered ${response.status}: give what its authorize asks for, with --header`);
  }
  if (response.status >= 300 && response.status < 400) {
    throw new CliError(`${where} answered ${response.status}${targetOf(response, url)}, which top does not follow`);
  }
  if (response.status >= 500) {
    throw new CliError(`${where} answered ${response.status}: the server failed, and its log says why`);
  }
  if (!response.ok) {
    throw new CliError(`${where} answered ${response.status}: give the address where operations() is mounted`);
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (isSnapshot(body)) return body;
  throw new CliError(`${where} is no snapshot: give the address where operations() is mounted`);
}

/** Where a redirect leads, for whoever wants to give that address. What follows the path may be a secret. */
function targetOf(response: Response, from: URL): string {
  const location = response.headers.get('location') ?? '';
  if (!URL.canParse(location, from.href)) return ', a redirect';
  const { origin, pathname } = new URL(location, from);
  return `, a redirect to ${origin}${pathname}`;
}

function urlOf(address: string): URL {
  const text = /^\w+:\/\//.test(address) ? address : `http://${address}`;
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new UsageError(`"${address}" is no address: give one such as http://127.0.0.1:3000/sluice`);
  }
  const url = new URL(text);
  if (!url.pathname.endsWith(`/${FILE}`)) url.pathname = `${url.pathname.replace(/\/+$/, '')}/${FILE}`;
  return url;
}

function headerOf(line: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^([\w-]+):\s*(\S.*)$/.exec(line) ?? [];
  // Its value may be a secret: not told.
  if (name === '') throw new UsageError("--header needs a name and a value: --header 'authorization: Bearer …'");
  return [name, value];
}

/** What is used of it; a gateway of another version may tell more. */
function isSnapshot(body: unknown): body is Snapshot {
  const { routes, pools } = fieldsOf(body);
  return (
    isListOf(routes, ['queueWait', 'response', 'shedByCode', 'wouldShedByCode']) &&
    isListOf(pools, ['seats', 'connections'])
  );
}

/** Whether all of a list have a name and these objects. */
function isListOf(list: unknown, objects: readonly string[]): boolean {
  if (!Array.isArray(list)) return false;
  return list.map(fieldsOf).every((item) => {
    return typeof item.name === 'string' && objects.every((key) => typeof item[key] === 'object' && item[key] !== null);
  });
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_MS} ms`;
  if (!(cause instanceof Error)) return error.message;
  return cause.message !== '' ? cause.message : String('code' in cause ? cause.code : cause.name);
}
