import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../.config/vitest.config.js';

// Faults load the machine on purpose: one file after another, and apart from all other tests.
export default mergeConfig(
  { ...shared, test: { ...shared.test, include: [] } },
  defineConfig({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    test: { include: ['test/faults/**/*.faults.ts'], fileParallelism: false, testTimeout: 60_000 },
  }),
);
