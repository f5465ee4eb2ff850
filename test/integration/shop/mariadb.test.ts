import { describe } from 'vitest';
import { useEngine } from './shop-harness.js';

// The shop's own tests once more: nothing of them may depend on the engine.
useEngine('mariadb');
describe('on MariaDB', async () => {
  await import('./routes.test.js');
  await import('./work.test.js');
});
