import { setImmediate as nextTurn } from 'node:timers/promises';
import { microCases } from './cases.js';
import type { MicroResult } from './measure.js';

// The process of the micro measurements: `node --expose-gc main.js <samples>` answers over IPC with all results.

const samples = Number(process.argv[2] ?? 7);
process.once('disconnect', () => process.exit(0));
const cases = await microCases();
const taken = cases.map(() => [] as number[]);
// Round by round rather than case by case, so that a noisy moment touches one sample of each.
for (let round = 0; round < samples; round += 1) {
  for (const [index, each] of cases.entries()) {
    taken[index]?.push(each.sample());
    // The gateways' own timers get their turn.
    await nextTurn();
  }
}
const results: MicroResult[] = cases.map(({ name, unit, bound }, index) => ({
  name,
  unit,
  bound: bound ?? null,
  samples: taken[index] ?? [],
}));
process.send?.(results, () => process.exit(0));
