import type { Finding, FindingState } from './finding.js';

const COLOURS: Readonly<Record<FindingState, string>> = { ok: '32', warning: '33', failure: '31', unknown: '36' };

/** The findings for people, a paragraph for each thing; what is well in one line. */
export function formatFindings(findings: readonly Finding[], colours: boolean): string {
  const paint = (state: FindingState): string => {
    const text = state.padEnd(7);
    return colours ? `\u001b[${COLOURS[state]}m${text}\u001b[0m` : text;
  };
  const abouts = [...new Set(findings.map(({ about }) => about))];
  const paragraphs = abouts.map((about) => {
    const own = findings.filter((finding) => finding.about === about);
    const lines = own.flatMap(({ state, check, found, remedy }) => [
      `  ${paint(state)}  ${check}: ${found}`,
      ...(remedy === null ? [] : [`           -> ${remedy}`]),
    ]);
    return [about, ...lines].join('\n');
  });
  const count = (state: FindingState): number => findings.filter((finding) => finding.state === state).length;
  const sum = `${count('failure')} failed, ${count('warning')} to look at, ${count('unknown')} unknown, ${count('ok')} well`;
  return [...paragraphs, sum].join('\n\n');
}
