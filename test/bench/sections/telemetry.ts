import { fileURLToPath } from 'node:url';
import type { Check, Section } from '../section.js';
import { runForAnswer } from '../servers.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import type { TelemetryFigures } from '../telemetry/messages.js';

const FILE = fileURLToPath(new URL('../telemetry/main.js', import.meta.url));

/** What metrics, measures and spans cost: processor time of a request and of a scrape. */
export const telemetry: Section = {
  name: 'telemetry',
  about: 'processor time that reports to OpenTelemetry add to a request, and a scrape of 50 routes',
  async run(context) {
    const samples = context.quick ? 5 : 21;
    const { cost, scrape } = await runForAnswer<TelemetryFigures>(context, FILE, [String(samples)]);
    const rows: readonly Row[] = [
      ['a request through the engine, nothing reported', cost.off, 'µs', undefined],
      ['of it, where nobody listens: asking whether anybody does', cost.look, 'µs', 0.1],
      ['a meter and a tracer add, to a request with one statement', cost.query, 'µs', 3],
      ['a meter and a tracer add, to a transaction of four statements', cost.transaction, 'µs', 3],
      [`a scrape of 50 routes, ${scrape.series} series`, scrape.own, 'ms', 5],
      ['a scrape of 50 routes, with the metrics of the process', scrape.withProcess, 'ms', undefined],
    ];
    return {
      conditions: { samples, process: 'its own, with and without in turns', database: 'none: its messages are told' },
      tables: [
        {
          title: 'What telemetry costs',
          columns: ['', 'median (range)', 'unit', 'at most'],
          rows: rows.map(([text, values, unit, bound]) => [
            text,
            showSpread(spreadOf(values), 3),
            unit,
            bound === undefined ? '–' : String(bound),
          ]),
        },
      ],
      checks: rows.flatMap(check),
      data: { cost, scrape },
    };
  },
};

type Row = readonly [text: string, values: readonly number[], unit: string, bound: number | undefined];

function check([text, values, unit, bound]: Row): Check[] {
  if (bound === undefined) return [];
  return [{ text: `telemetry: ${text}`, value: spreadOf(values).median, bound, kind: 'at most', unit }];
}
