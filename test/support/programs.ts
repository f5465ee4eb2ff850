import { locate, missing, type ProgramName } from '../../.ci/programs.mjs';

/**
 * The path of a program that a test starts.
 *
 * @throws Error with one line that says how to get it.
 */
export function findProgram(name: ProgramName): string {
  const path = locate(name);
  if (path === undefined) throw new Error(missing(name));
  return path;
}
