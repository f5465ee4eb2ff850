import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));

// Faults load the machine on purpose: one file after another, and apart from all other tests.
const config: ViteUserConfig = defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^sluice\/express$/, replacement: `${root}middleware/index.ts` },
      { find: /^sluice$/, replacement: `${root}src/index.ts` },
    ],
  },
  test: { include: ['test/faults/**/*.faults.ts'], fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 },
});
export default config;
