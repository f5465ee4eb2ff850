import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
/** One more than a small machine has cores: most tests wait for servers that they started. */
const WORKERS = 3;
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
        // They share their modules: to load all of those anew for each file takes longer than to run most of them.
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          maxWorkers: WORKERS,
          isolate: false,
        },
      },
      {
        ...common,
        test: {
          name: 'tests',
          expect: { poll: { interval: 10 } },
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          maxWorkers: WORKERS,
        },
      },
      {
        ...common,
        // Faults load the machine on purpose: after all other tests.
        test: {
          name: 'faults',
          include: ['test/faults/**/*.faults.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
