import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nearestName } from '../../../src/core/nearest.js';
import { readScenario } from '../../../src/simulator/read-scenario.js';
import { ScenarioError } from '../../../src/simulator/scenario-error.js';

const LEAST = {
  sluiceScenario: 1,
  name: 'least',
  durationMs: 1_000,
  streams: [{ route: 'checkout', rate: [{ perSecond: 10 }] }],
};

/** The message for a scenario in which `change` was made, without its first line. */
function mistakes(change: object | string): string {
  const text = typeof change === 'string' ? change : JSON.stringify({ ...LEAST, ...change }, undefined, 1);
  try {
    readScenario(text, 'load.json', nearestName);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message.split('\n').slice(1).join('\n');
    throw error;
  }
  return '';
}

describe('readScenario', () => {
  it('fills in what is left out', () => {
    const { scenario } = readScenario(JSON.stringify(LEAST), 'load.json');
    expect(scenario).toMatchObject({ warmUpMs: 0, seeds: [1], cancelAtDeadline: true, events: [], windows: [] });
    expect(scenario.streams[0]).toMatchObject({ arrivals: 'poisson' });
  });

  it.each<[title: string, change: object | string, message: RegExp]>([
    ['no JSON', '{"sluiceScenario": 1,\n oops}', /^ {2}load\.json:2:2: expected a key in double quotes$/],
    ['no scenario', '[]', /^ {2}load\.json:1:1: this is no scenario: give an object with "sluiceScenario": 1$/],
    ['another version', { sluiceScenario: 2 }, /^ {2}load\.json:2:20: version 2 is not known here.* reads 1$/],
    ['a field that is missing', { name: undefined }, /^ {2}load\.json:1:1: name: is missing: give a string$/],
    [
      'a slip in a field',
      { warmupMs: 5 },
      /^ {2}load\.json:15:2: warmupMs: no such field here; did you mean warmUpMs\?$/,
    ],
    ['a wrong type', { durationMs: '1s' }, /^ {2}load\.json:4:16: durationMs: invalid input: expected number/],
    ['a number out of range', { durationMs: -1 }, /load\.json:4:16: durationMs: too small: expected number to be >0$/],
    [
      'a reclaim that ends before it begins',
      { reclaim: { atMs: 500, untilMs: 400, class: 'low', targetMs: 10 } },
      /reclaim\.untilMs: 400 is not after atMs; use more than 500$/,
    ],
    [
      'a reclaim after the end',
      { reclaim: { atMs: 1_000, untilMs: 1_400, class: 'low', targetMs: 10 } },
      /reclaim\.atMs: 1000 is after the end; use less than durationMs, which is 1000$/,
    ],
    ['a warm-up without an end', { warmUpMs: 1_000 }, /warmUpMs: must be less than durationMs, which is 1000$/],
    [
      'a phase without an end before another',
      { streams: [{ route: 'a', rate: [{ perSecond: 1 }, { perSecond: 2 }] }] },
      /load\.json:9:5: streams\[0\]\.rate\[0\]: give forMs: only the last phase may go on/,
    ],
    [
      'a ramp without an end',
      { streams: [{ route: 'a', rate: [{ perSecond: 1, toPerSecond: 5 }] }] },
      /streams\[0\]\.rate\[0\]: give forMs: a ramp needs an end$/,
    ],
    [
      'a distribution that nobody knows',
      { streams: [{ route: 'a', rate: [{ perSecond: 1 }], service: { kind: 'gauss', meanMs: 1 } }] },
      /service\.kind: use one of constant, exponential, lognormal, pareto, bimodal, mixture as "kind"$/,
    ],
    [
      'shares that do not add up',
      {
        streams: [
          {
            route: 'a',
            rate: [{ perSecond: 1 }],
            service: { kind: 'mixture', parts: [{ share: 0.5, of: { kind: 'constant', ms: 1 } }] },
          },
        ],
      },
      /service\.parts: the shares of the parts must add up to 1$/,
    ],
    [
      'a block that comes again before it is over',
      { events: [{ kind: 'loopBlock', atMs: 0, forMs: 100, everyMs: 100 }] },
      /load\.json:19:13: events\[0\]\.forMs: 100 is not less than everyMs, which is 100: .* use a shorter forMs/,
    ],
    [
      'blocks that leave no time together',
      {
        events: [
          { kind: 'loopBlock', atMs: 0, forMs: 50, everyMs: 100 },
          { kind: 'loopBlock', atMs: 50, forMs: 100, everyMs: 200 },
        ],
      },
      /events\[1\]\.forMs: 100 blocks 50 % of the time, and 50 % by the events before it: .* under 100 %$/,
    ],
    [
      'a distribution that ends before it begins',
      {
        streams: [
          { route: 'a', rate: [{ perSecond: 1 }], service: { kind: 'pareto', minMs: 50, alpha: 1, maxMs: 10 } },
        ],
      },
      /service\.maxMs: 10 is less than minMs, which is 50: .* use at least 50$/,
    ],
    ['a seed that comes twice', { seeds: [4, 5, 4] }, /seeds\[2\]: 4 is seeds\[0\] already: .* use another, or leave/],
    [
      'an event after the end',
      { events: [{ kind: 'config', atMs: 1_000, pools: {} }] },
      /events\[0\]\.atMs: 1000 is after the end, .* use less than durationMs, which is 1000, or leave the event out$/,
    ],
    [
      'a pool of a size that no gateway takes',
      { events: [{ kind: 'config', atMs: 100, pools: { main: { max: 1_001 } } }] },
      /events\[0\]\.pools\.main\.max: .*1000/,
    ],
    ['a window beyond the end', { windows: [{ name: 'w', fromMs: 0, untilMs: 2_000 }] }, /untilMs: must end after/],
    [
      'an event that nobody knows',
      { events: [{ kind: 'flood', atMs: 0 }] },
      /use one of capacity, slowdown, .* as "kind"/,
    ],
  ])('names the line of %s', (_, change, message) => {
    expect(mistakes(change)).toMatch(message);
  });

  it('tells all mistakes at once, in the order of the file', () => {
    expect(mistakes({ durationMs: 0, seeds: [], name: 5 }).split('\n')).toHaveLength(3);
    const lines = mistakes({ durationMs: 0, seeds: [], name: 5 })
      .split('\n')
      .map((line) => Number(line.split(':')[1]));
    expect(lines).toEqual(lines.toSorted((one, other) => one - other));
  });

  const folder = fileURLToPath(new URL('../../../examples/scenarios/', import.meta.url));
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  it('has a file for each of the workloads', () => {
    const numbers = new Set(files.map((file) => Number(file.slice(1, 3))));
    expect([...numbers].toSorted((one, other) => one - other)).toEqual([
      ...Array.from({ length: 17 }, (_, n) => n + 1),
      19,
      20,
    ]);
  });
  it.each(files)('reads %s', (file) => {
    const { scenario } = readScenario(readFileSync(`${folder}${file}`, 'utf8'), file);
    expect(scenario.description.length).toBeGreaterThan(40);
  });
});
