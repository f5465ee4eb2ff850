import { measureGoodput } from '../goodput/measure-goodput.js';
import type { Section } from '../section.js';
import { startDatabase } from '../support/database.js';

/** Goodput at twice, five and ten times the capacity, Sluice against what people use instead. */
export const goodput: Section = {
  name: 'goodput',
  about: 'checkouts answered in time at 2, 5 and 10 times the capacity, against the rivals',
  async run(context) {
    const database = await startDatabase(context.signal);
    try {
      return await measureGoodput(context, { database, where: '', against: 'everybody' });
    } finally {
      await database.close();
    }
  },
};
