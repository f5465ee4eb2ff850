import { describe } from 'vitest';

/** How often each fault happens: once, and with `FAULTS_LONG=1`, the nightly form, five times. */
export const REPETITIONS: number = process.env.FAULTS_LONG === '1' ? 5 : 1;

/**
 * A `describe` around a fault, once for each repetition of it. What `fault` sets up in hooks is set up anew each time.
 *
 * @param title begins with the id of the fault: `F1: the server restarts under load`
 */
export function describeFault(title: string, fault: () => void): void {
  for (let repetition = 1; repetition <= REPETITIONS; repetition += 1) {
    describe(REPETITIONS === 1 ? title : `${title} (${repetition} of ${REPETITIONS})`, fault);
  }
}
