// Keeps the figures in README.md equal to test/bench/results/latest.json. Without a flag it only checks, and exits with
// 1 when they are stale; with --write it puts them in place.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';
const RESULTS = 'test/bench/results';
const ORDER = [
  'goodput',
  'storm100',
  'flood',
  'shared-pool',
  'tenants',
  'retry-storm',
  'adaptive',
  'yielding',
  'outage',
  'database-down',
  'spike',
  'pool-cost',
  'raw',
  'micro',
];

/** The README with the figures between its markers; undefined when it does not have each marker once, in order. */
export function withFigures(readme, figures) {
  const parts = readme.split(START);
  const tail = parts[1]?.split(END);
  if (parts.length !== 2 || tail?.length !== 2 || parts[0].includes(END)) return undefined;
  return `${parts[0]}${START}\n\n${figures}\n\n${END}${tail[1]}`;
}

/** The figures as Markdown: a picture, which bars were reached, and every table, folded. */
export function figuresFrom(results) {
  const sections = ORDER.flatMap((name) => results.sections[name] ?? []);
  const [first] = sections;
  if (first === undefined) return 'No figures yet: run `npm run bench`.';
  const { cpu, cores, memoryGb, platform, node } = first.machine;
  const parts = [];
  if (results.sections.goodput !== undefined) {
    parts.push(`![Checkouts answered in time, by what stands in front of the database](${RESULTS}/goodput.svg)`);
  }
  parts.push(barsTable(sections.flatMap((section) => section.checks)));
  const tables = sections.flatMap((section) => section.tables.map(markdownTable));
  parts.push('<details>\n<summary>Every table, and how each rival is set</summary>', ...tables, '</details>');
  parts.push(
    `Medians, with the range of the repeats. ${cpu}, ${cores} cores for database, shop and load together, ` +
      `${memoryGb} GB, ${platform}, Node ${node.replace('v', '')}, ${first.takenAt.slice(0, 10)}. Every single run: ` +
      `[${RESULTS}/latest.json](${RESULTS}/latest.json).`,
  );
  return parts.join('\n\n');
}

function markdownTable({ title, columns, rows }) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const holdsFigures = (index) => index > 0 && rows.some((row) => /^[\d–-]/.test(row[index]));
  const rule = `|${columns.map((_, index) => (holdsFigures(index) ? '--:' : '---')).join('|')}|`;
  return [`**${title}**`, '', line(columns), rule, ...rows.map(line)].join('\n');
}

function barsTable(checks) {
  const shown = (value) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3))));
  const rows = checks.map(({ text, value, bound, kind, unit }) => {
    const reached = kind === 'at least' ? value >= bound : value <= bound;
    const measured = unit === '' ? shown(value) : `${shown(value)} ${unit}`;
    return [text, measured, `${kind} ${shown(bound)}`, reached ? 'yes' : 'no'];
  });
  return markdownTable({ title: 'What is asked of it', columns: ['', 'measured', 'bar', 'reached'], rows });
}

/** Checks README.md in a folder, or writes it; the result is one line and whether all is well. */
export async function updateReadme(folder, write) {
  const file = new URL('README.md', folder);
  const readme = await readFile(file, 'utf8').catch(() => undefined);
  if (readme === undefined) return { ok: false, line: 'README.md is missing' };
  const text = await readFile(new URL(`${RESULTS}/latest.json`, folder), 'utf8').catch(() => '{"sections":{}}');
  const wanted = withFigures(readme, figuresFrom(JSON.parse(text)));
  if (wanted === undefined) return { ok: false, line: `README.md needs ${START} and ${END}, once each, in this order` };
  if (wanted === readme) return { ok: true, line: 'README.md: the figures are those of the last bench' };
  if (!write) {
    return { ok: false, line: 'README.md: the figures are stale; run "node .ci/readme-bench.mjs --write"' };
  }
  await writeFile(file, wanted);
  return { ok: true, line: 'README.md: the figures were written' };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { ok, line } = await updateReadme(new URL('..', import.meta.url), process.argv.includes('--write'));
  (ok ? console.log : console.error)(line);
  process.exitCode = ok ? 0 : 1;
}
