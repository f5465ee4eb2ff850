import { codeOf, LEASED, NO_SLOT } from '../../telemetry/decision-log/decision-record.js';
import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import { renderTable } from '../table.js';
import type { FateChanges } from './fate-changes.js';
import type { Difference, Redecided } from './redecide.js';
import type { WhatIf } from './what-if.js';

/** What deciding again came to, in a line or two. */
export function formatRedecided(log: DecodedLog, { matched, decisions, difference }: Redecided): string {
  const line = `${countText(matched)} of ${countText(decisions)} decisions are the same (${spanOf(log)})`;
  if (difference === undefined) return line;
  return `${line}\nfirst difference: ${formatDifference(log, difference)}`;
}

/** The first decision that came out otherwise. */
export function formatDifference(log: DecodedLog, { record, logged, decision, slot, fault }: Difference): string {
  const at = `record ${record}, ${secondsText(logged.atMs - startOf(log))} after the first`;
  const was = outcomeText(logged.kind, logged.decision, logged.slot);
  const now = fault === undefined ? `is ${outcomeText(logged.kind, decision, slot)} now` : fault;
  return `${at}: ${logged.kind} of ${subjectOf(log, logged.kind, logged.source)} was ${was}, ${now}`;
}

/** Whose fate changes under other settings. */
export function formatChanges(
  log: DecodedLog,
  config: string,
  changes: FateChanges,
  { drawn, assumed }: WhatIf,
): string {
  const { requests, changed, uncertain, rows, examples } = changes;
  const moved = rows.filter(({ from, to }) => from !== to);
  const table = rows.map((row) => [
    row.route,
    row.priority,
    row.from,
    row.from === row.to ? '=' : `→ ${row.to}`,
    countText(row.requests),
  ]);
  const lines = [
    `${config}: the fate of ${countText(changed)} of ${countText(requests)} requests changes (${spanOf(log)})`,
    '',
    renderTable(['route', 'class', 'was', 'would be', 'requests'], table),
    '',
    `Left out are ${countText(uncertain)} whose fate hangs by a hair: run with the settings of the log, it is another one already.`,
    ...drawnText(drawn, assumed),
  ];
  if (moved.length === 0) return lines.join('\n');
  const shown = examples.map(
    (each) =>
      `  record ${each.record}, ${secondsText(each.afterMs)}: ${each.route} (${each.priority}) ${each.from} → ${each.to}`,
  );
  return [...lines, '', 'The first that change:', ...shown].join('\n');
}

/** What the log does not tell of its requests. */
export function drawnText(drawn: number, assumed: readonly string[]): string[] {
  return [
    `How long ${countText(drawn)} requests hold their seat is not in the log: drawn, by seed, from those of their route that were served.`,
    ...assumed.map((route) => `No request of ${route} was served to its end in the log: 50 ms are assumed.`),
  ];
}

function outcomeText(kind: string, decision: number, slot: number): string {
  const ticket = slot === NO_SLOT ? '' : ` (ticket ${slot})`;
  if (kind === 'take') return ['granted', 'refused by the endpoint', 'refused by the caller'][decision] ?? 'unknown';
  const passed = kind === 'preflight' ? 'let pass' : kind === 'next' ? 'nobody' : 'queued';
  return `${codeOf(decision) ?? (decision === LEASED ? 'leased' : passed)}${ticket}`;
}

function subjectOf({ settings }: DecodedLog, kind: string, source: number): string {
  const ofRoute = kind === 'preflight' || kind === 'arrive' || kind === 'take' || kind === 'sample';
  const name = (ofRoute ? settings.routes : settings.gates)[source]?.name ?? `number ${source}`;
  return ofRoute ? `route "${name}"` : `pool "${name}"`;
}

/** How much a log holds. */
export function spanOf(log: DecodedLog): string {
  const last = log.count === 0 ? startOf(log) : log.records.read(log.count - 1).atMs;
  return `${countText(log.count)} records, ${secondsText(last - startOf(log))}, by Sluice ${log.writtenBy}`;
}

/** The instant of the first record. */
export function startOf(log: DecodedLog): number {
  return log.count === 0 ? 0 : log.records.read(0).atMs;
}

/** A time in seconds. */
export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}

/** A number with its thousands apart. */
export function countText(number: number): string {
  return number.toLocaleString('en-US');
}
