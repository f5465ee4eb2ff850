import { fileURLToPath } from 'node:url';
import type { MicroResult } from '../micro/measure.js';
import type { Check, Section } from '../section.js';
import { runForAnswer } from '../servers.js';
import { showSpread, spreadOf } from '../support/statistics.js';

const FILE = fileURLToPath(new URL('../micro/main.js', import.meta.url));

/** The engine alone: nanoseconds and bytes. */
export const micro: Section = {
  name: 'micro',
  about: 'nanoseconds per decision and bytes per queued request, without Express or a database',
  async run(context) {
    const samples = context.quick ? 3 : 11;
    const options = { execArgv: ['--expose-gc'] };
    const results = await runForAnswer<MicroResult[]>(context, FILE, [String(samples)], options);
    const checks: Check[] = results.flatMap(({ name, unit, bound, samples: values }) =>
      bound === null ? [] : [{ text: name, value: spreadOf(values).median, bound, kind: 'at most' as const, unit }],
    );
    return {
      conditions: { samples, process: 'its own, after warm-up' },
      tables: [
        {
          title: 'The engine alone',
          columns: ['', 'median (range)', 'unit', 'at most'],
          rows: results.map(({ name, unit, bound, samples: values }) => [
            name,
            showSpread(spreadOf(values)),
            unit,
            bound === null ? '–' : String(bound),
          ]),
        },
      ],
      checks,
      data: results,
    };
  },
};
