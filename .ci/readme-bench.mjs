// Keeps the figures in README.md and in the guides equal to test/bench/results/latest.json. Without a flag it only checks, and exits with
// 1 when they are stale; with --write it puts them in place.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const GUIDES = 'examples/guides';
/** What a file must hold between a pair of markers, by their name. */
const REQUIRED = { 'README.md': 'summary', [`${GUIDES}/figures.md`]: 'bench' };
/** A single figure in a sentence: <!-- figure: section: text of the bar -->0.9<!-- end -->. */
const FIGURE = /(<!-- figure: ([\w-]+): (.+?) -->)(.*?)(<!-- end -->)/g;
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
  'pgbouncer',
  'mariadb',
  'fleet',
  'raw',
  'micro',
  'telemetry',
];

/** The text with `figures` between the markers of a name; undefined when it does not have each once, in order. */
export function withFigures(text, name, figures) {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const parts = text.split(start);
  const tail = parts[1]?.split(end);
  if (parts.length !== 2 || tail?.length !== 2 || parts[0].includes(end)) return undefined;
  return `${parts[0]}${start}\n\n${figures}\n\n${end}${tail[1]}`;
}

/** The figures as Markdown: a picture, which bars were reached, and every table. */
export function figuresFrom(results) {
  const sections = sectionsOf(results);
  if (sections.length === 0) return 'No figures yet: run `npm run bench`.';
  const picture = results.sections.goodput === undefined ? [] : [pictureOf(`../../${RESULTS}`)];
  const tables = sections.flatMap((section) => section.tables.map(markdownTable));
  const bars = barsTable(sections.flatMap((section) => section.checks));
  return [...picture, bars, ...tables, takenOn(sections[0], `../../${RESULTS}`)].join('\n\n');
}

/** What the README shows of them: the picture, the load of which the most is to be seen, and how many bars were reached. */
export function summaryFrom(results) {
  const sections = sectionsOf(results);
  if (sections.length === 0) return 'No figures yet: run `npm run bench`.';
  const { goodput } = results.sections;
  const shown =
    goodput === undefined ? [] : [pictureOf(RESULTS), markdownTable(goodput.tables[1] ?? goodput.tables[0])];
  const checks = sections.flatMap((section) => section.checks);
  const missed = checks.filter((check) => !isReached(check)).map(({ text }) => text);
  const bars =
    `${checks.length - missed.length} of ${checks.length} bars that were set before were reached` +
    `${missed.length === 0 ? '' : `; not: ${missed.join('; ')}`}. All figures: [${GUIDES}/figures.md](${GUIDES}/figures.md).`;
  return [...shown, bars, takenOn(sections[0], RESULTS)].join('\n\n');
}

/** The text with every single figure as it was measured. @throws Error for a figure that no section measures. */
export function withSingleFigures(text, results) {
  return text.replace(FIGURE, (_all, before, name, bar, _old, after) => {
    if (ORDER.includes(name) && results.sections[name] === undefined) return `${before}not measured yet${after}`;
    const check = results.sections[name]?.checks.find((each) => each.text === bar);
    if (check === undefined) throw new Error(`no bar "${bar}" in the section "${name}" of the results`);
    return `${before}${measuredOf(check)}${after}`;
  });
}

function sectionsOf(results) {
  return ORDER.flatMap((name) => results.sections[name] ?? []);
}

function pictureOf(folder) {
  return `![Checkouts answered in time, by what stands in front of the database](${folder}/goodput.svg)`;
}

function takenOn({ machine, takenAt }, folder) {
  const { cpu, cores, memoryGb, platform, node } = machine;
  return (
    `Medians, with the range of the repeats. ${cpu}, ${cores} cores for database, shop and load together, ` +
    `${memoryGb} GB, ${platform}, Node ${node.replace('v', '')}, ${takenAt.slice(0, 10)}. Every single run: ` +
    `[latest.json](${folder}/latest.json).`
  );
}

function markdownTable({ title, columns, rows }) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const holdsFigures = (index) => index > 0 && rows.some((row) => /^[\d–-]/.test(row[index]));
  const rule = `|${columns.map((_, index) => (holdsFigures(index) ? '--:' : '---')).join('|')}|`;
  return [`**${title}**`, '', line(columns), rule, ...rows.map(line)].join('\n');
}

function barsTable(checks) {
  const rows = checks.map((check) => {
    const { text, bound, kind } = check;
    return [text, measuredOf(check), `${kind} ${shown(bound)}`, isReached(check) ? 'yes' : 'no'];
  });
  return markdownTable({ title: 'What is asked of it', columns: ['', 'measured', 'bar', 'reached'], rows });
}

function isReached({ kind, value, bound }) {
  return kind === 'at least' ? value >= bound : value <= bound;
}

function measuredOf({ value, unit }) {
  return unit === '' ? shown(value) : `${shown(value)} ${unit}`;
}

function shown(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}

/** Checks README.md and the guides in a folder, or writes them; the result is one line and whether all is well. */
export async function updateReadme(folder, write) {
  const json = await readFile(new URL(`${RESULTS}/latest.json`, folder), 'utf8').catch(() => '{"sections":{}}');
  const results = JSON.parse(json);
  const guides = await readdir(new URL(GUIDES, folder)).catch(() => []);
  const pages = guides.filter((name) => name.endsWith('.md')).map((name) => `${GUIDES}/${name}`);
  const stale = [];
  for (const file of new Set([...Object.keys(REQUIRED), ...pages])) {
    const text = await readFile(new URL(file, folder), 'utf8').catch(() => undefined);
    if (text === undefined) return { ok: false, line: `${file} is missing` };
    const wanted = updated(file, text, results);
    if (wanted === undefined) {
      return {
        ok: false,
        line: `${file} needs the markers ${REQUIRED[file]}:start and :end, once each, in this order`,
      };
    }
    if (wanted === text) continue;
    stale.push(file);
    if (write) await writeFile(new URL(file, folder), wanted);
  }
  if (stale.length === 0)
    return { ok: true, line: 'the figures in README.md and the guides are those of the last bench' };
  if (write) return { ok: true, line: `the figures were written: ${stale.join(', ')}` };
  return { ok: false, line: `stale figures in ${stale.join(', ')}: run "node .ci/readme-bench.mjs --write"` };
}

function updated(file, text, results) {
  const name = REQUIRED[file];
  const single = withSingleFigures(text, results);
  if (name === undefined) return single;
  return withFigures(single, name, name === 'bench' ? figuresFrom(results) : summaryFrom(results));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { ok, line } = await updateReadme(new URL('..', import.meta.url), process.argv.includes('--write'));
  (ok ? console.log : console.error)(line);
  process.exitCode = ok ? 0 : 1;
}
