import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
/** One more than a small machine has cores: most tests wait for servers that they started. */
const WORKERS = 3;
/** Only for what hangs: a busy machine may take many times as long as a quiet one, and no test measures speed by it. */
const HANGS = { testTimeout: 180_000, hookTimeout: 180_000 };
/** Files share their modules: to load all of those anew for each file takes longer than to run most of them. */
const SHARED = { isolate: false };
const ALONE = 'test/faults/**/*.alone.faults.ts';
const common = {
  root,
  resolve: {
    alias: [
      { find: /^sluice\/express$/, replacement: `${root}middleware/index.ts` },
      { find: /^sluice$/, replacement: `${root}src/index.ts` },
    ],
  },
};

export default defineConfig({
  ...common,
  test: {
    projects: [
      {
        ...common,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], ...HANGS, ...SHARED, maxWorkers: WORKERS },
      },
      {
        ...common,
        test: {
          name: 'tests',
          expect: { poll: { interval: 10, timeout: 60_000 } },
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**'],
          ...HANGS,
          ...SHARED,
          maxWorkers: WORKERS,
        },
      },
      {
        ...common,
        // Faults load the machine on purpose: after all other tests.
        test: {
          name: 'faults',
          include: ['test/faults/**/*.faults.ts'],
          exclude: [ALONE],
          ...HANGS,
          ...SHARED,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...common,
        // What they compare would be the load of the others.
        test: {
          name: 'faults-alone',
          include: [ALONE],
          ...HANGS,
          ...SHARED,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
