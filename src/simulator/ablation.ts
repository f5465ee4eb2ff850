import { DEFAULT_DISCIPLINE, type Discipline } from '../core/discipline.js';

/** One way to run the policy. */
export interface Variant {
  readonly name: string;
  readonly discipline: Partial<Discipline>;
}

/** The whole discipline, then the same with one mechanism switched off at a time, then with none. */
export function ablations(): Variant[] {
  const mechanisms = Object.keys(DEFAULT_DISCIPLINE);
  return [
    { name: 'whole', discipline: {} },
    ...mechanisms.map((mechanism) => ({ name: `without ${mechanism}`, discipline: { [mechanism]: false } })),
    { name: 'none', discipline: Object.fromEntries(mechanisms.map((mechanism) => [mechanism, false])) },
  ];
}
