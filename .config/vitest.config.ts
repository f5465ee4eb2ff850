import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
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
        test: { name: 'tests', include: ['test/**/*.test.ts'], testTimeout: 20_000, hookTimeout: 60_000 },
      },
      {
        ...common,
        // Faults load the machine on purpose: one file after another, and after all other tests.
        test: {
          name: 'faults',
          include: ['test/faults/**/*.faults.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
