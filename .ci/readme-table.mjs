// Keeps the table of variables in the guides equal to the schema. Without a flag it only checks, and exits with 1 when
// the table is stale; with --write it puts the table in place. Works on the built package: run `npm run build` first.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Where the table stands. */
export const TABLE_FILE = 'examples/guides/configuration.md';

const START = '<!-- variables:start -->';
const END = '<!-- variables:end -->';

/** The text with the table between its markers; undefined when it does not have each marker once, in order. */
export function withTable(readme, table) {
  const parts = readme.split(START);
  const tail = parts[1]?.split(END);
  if (parts.length !== 2 || tail?.length !== 2 || parts[0].includes(END)) return undefined;
  return `${parts[0]}${START}\n\n${table}\n\n${END}${tail[1]}`;
}

/** Checks the file in a folder, or writes it; the result is one line and whether all is well. */
export async function updateReadme(folder, table, write) {
  const file = new URL(TABLE_FILE, folder);
  const readme = await readFile(file, 'utf8').catch(() => undefined);
  if (readme === undefined) return { ok: false, line: `${TABLE_FILE} is missing` };
  const wanted = withTable(readme, table);
  if (wanted === undefined)
    return { ok: false, line: `${TABLE_FILE} needs ${START} and ${END}, once each, in this order` };
  if (wanted === readme) return { ok: true, line: `${TABLE_FILE}: the table of variables is up to date` };
  if (!write) {
    return {
      ok: false,
      line: `${TABLE_FILE}: the table of variables is stale; run "node .ci/readme-table.mjs --write"`,
    };
  }
  await writeFile(file, wanted);
  return { ok: true, line: `${TABLE_FILE}: the table of variables was written` };
}

async function main() {
  const root = new URL('..', import.meta.url);
  const built = new URL('dist/src/config/variable-table.js', root);
  if (!existsSync(built)) return { ok: false, line: 'dist/src/config is missing: run "npm run build" first' };
  const { variableTable } = await import(built.href);
  return updateReadme(root, variableTable(), process.argv.includes('--write'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { ok, line } = await main();
  (ok ? console.log : console.error)(line);
  process.exitCode = ok ? 0 : 1;
}
