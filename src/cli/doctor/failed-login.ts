import { LOG_CODES } from '../../telemetry/log-codes.js';

/** What a running gateway waits out, and somebody before its first start can help. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    'database_unreachable',
    'see that the server has started and listens there, that no firewall is between, and that host and port of the url are right',
  ],
  ['database_name_unresolved', 'correct the host of the url, or look at the resolver (DNS) of this machine'],
]);

/**
 * Why nobody can log in, and what helps. A gateway says of some of it that it tries again; the doctor does not.
 *
 * @param code - Of the warning.
 * @param message - What was seen; behind a semicolon what helps, or what comes; in brackets what the attempt met.
 */
export function explainFailedLogin(code: string, message: string): { readonly why: string; readonly remedy: string } {
  const [, seen = message, rest = ''] = /^([^;(]+); (.+)$/s.exec(message) ?? [];
  const remedy = REMEDIES.get(code);
  if (remedy !== undefined) return { why: [seen, ...(/\(.*\)$/s.exec(rest) ?? [])].join(' '), remedy };
  if (rest !== '') return { why: seen, remedy: rest };
  return { why: message, remedy: LOG_CODES[code]?.helps.replaceAll('`', '"') ?? 'see the sentence' };
}
