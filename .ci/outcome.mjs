// What a run of the tests came to.

/** Tests of real servers may get a second try, alone on the machine: so many files of them at most. */
const MOST_TRIED_AGAIN = 20;

/** Files to try again: those that failed, when they are few and none of them is of pure code, which has no bad luck. */
export function filesToTryAgain(outcome) {
  const failed = outcome.files.filter(hasFailed).map(({ path }) => path);
  const luckless = failed.some((path) => path.includes('/test/unit/'));
  return luckless || failed.length > MOST_TRIED_AGAIN ? [] : failed;
}

/** The first run with the files of the second in place of theirs, and the names of what passed only then. */
export function afterSecondTry(first, second) {
  const again = new Map(second.files.map((file) => [file.path, file]));
  const files = first.files.map((file) => again.get(file.path) ?? file);
  const onlyThen = first.files
    .filter((file) => hasFailed(file) && !hasFailed(again.get(file.path) ?? file))
    .map((file) => {
      const names = file.tests.filter(({ state }) => state === 'failed').map(({ name }) => name);
      return `${file.path}: ${names.join('; ') || 'outside of its tests'}`;
    });
  return { files, unhandledErrors: first.unhandledErrors + second.unhandledErrors, onlyThen };
}

/**
 * Counts, with every way to look green without being green as a failure.
 *
 * @param partial - Tests were chosen by name, so that the others are expected not to run.
 */
export function countOf(outcome, partial) {
  const tests = outcome.files.flatMap((file) => file.tests);
  const inState = (...states) => tests.filter(({ state }) => states.includes(state)).length;
  const complaints = [];
  const broken = outcome.files.filter((file) => file.broken && !file.tests.some(({ state }) => state === 'failed'));
  for (const { path } of broken) complaints.push(`${path} failed outside of its tests`);
  const skipped = partial ? 0 : inState('skipped', 'pending');
  if (skipped > 0) complaints.push(`${skipped} tests did not run; a skipped test counts as failed`);
  let failed = inState('failed') + broken.length + skipped;
  if (outcome.unhandledErrors > 0) complaints.push(`${outcome.unhandledErrors} errors outside of any test: see above`);
  if (outcome.unhandledErrors > 0 && failed === 0) failed = 1;
  if (tests.length === 0) complaints.push('no test ran');
  if (tests.length === 0 && failed === 0) failed = 1;
  return { passed: inState('passed'), failed, complaints };
}

function hasFailed(file) {
  return file.broken || file.tests.some(({ state }) => state === 'failed');
}
