import { register } from 'node:module';
import { readDescriptorLimit } from '../gateway/descriptor-check.js';

/** With as many descriptors the widest package that is loaded, of a hundred modules at once, leaves room. */
const ENOUGH_DESCRIPTORS = 512;

/**
 * Where this process may open few files, has modules loaded one by one from now on: Node opens all that one module
 * imports at once, and the doctor is to tell of a low limit rather than to fail of it.
 */
export function loadOneByOne(): void {
  const limit = readDescriptorLimit();
  if (limit === undefined || limit >= ENOUGH_DESCRIPTORS) return;
  register('./loader-hook.js', import.meta.url);
}
