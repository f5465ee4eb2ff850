import { setMaxListeners } from 'node:events';
import { parseArgs } from 'node:util';
import { renderTable } from '../../load/table.js';
import { passes } from '../section.js';
import { clients } from '../sections/clients.js';

// `npm run bench:clients [-- --quick]`: the section alone. Client and gateway need some 5,100 file descriptors each;
// Node raises its own limit as far as `ulimit -Hn` allows.

const abort = new AbortController();
setMaxListeners(24, abort.signal, process);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort(new Error('interrupted')));
const quick = readQuick();
const note = (text: string): void => console.error(`  ${text}`);
const { tables, checks } = await clients.run({ seed: 1, repeats: 1, quick, signal: abort.signal, note });
for (const table of tables) console.log(renderTable(table));
for (const check of checks) {
  console.log(`${passes(check) ? 'reached' : 'MISSED '}  ${check.text}: ${check.value} (${check.kind} ${check.bound})`);
}
process.exitCode = checks.every(passes) ? 0 : 1;

function readQuick(): boolean {
  try {
    const { values } = parseArgs({ options: { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
    if (values.help !== true) return values.quick === true;
    console.log(
      'npm run bench:clients [-- --quick]\n\n  --quick  fewer clients and shorter phases, only to see it run',
    );
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}: the options are --quick and --help`);
    process.exit(2);
  }
}
