// Keeps the table of variables in README.md equal to the schema. Without a flag it only checks, and exits with 1 when
// the table is stale; with --write it puts the table in place. Works on the built package: run `npm run build` first.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const START = '<!-- variables:start -->';
const END = '<!-- variables:end -->';

/** The README with the table between its markers; undefined when it does not have each marker once, in order. */
export function withTable(readme, table) {
  const parts = readme.split(START);
  const tail = parts[1]?.split(END);
  if (parts.length !== 2 || tail?.length !== 2 || parts[0].includes(END)) return undefined;
  return `${parts[0]}${START}\n\n${table}\n\n${END}${tail[1]}`;
}

async function builtTable(root) {
  const module = new URL('dist/src/config/variable-table.js', root);
  try {
    const { variableTable } = await import(module.href);
    return variableTable();
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(`dist/ is missing or incomplete (${error.message}): run "npm run build" first`);
  }
}

/** Checks or writes; the result is one line and whether all is well. */
export async function run(root, write) {
  const file = new URL('README.md', root);
  const readme = await readFile(file, 'utf8').catch(() => undefined);
  if (readme === undefined) return { ok: false, line: 'README.md is missing' };
  const wanted = withTable(readme, await builtTable(root));
  if (wanted === undefined) return { ok: false, line: `README.md needs ${START} and ${END}, once each, in this order` };
  if (wanted === readme) return { ok: true, line: 'README.md: the table of variables is up to date' };
  if (!write) {
    return { ok: false, line: 'README.md: the table of variables is stale; run "node .ci/readme-table.mjs --write"' };
  }
  await writeFile(file, wanted);
  return { ok: true, line: 'README.md: the table of variables was written' };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { ok, line } = await run(new URL('..', import.meta.url), process.argv.includes('--write')).catch((error) => ({
    ok: false,
    line: error.message,
  }));
  (ok ? console.log : console.error)(line);
  process.exitCode = ok ? 0 : 1;
}
