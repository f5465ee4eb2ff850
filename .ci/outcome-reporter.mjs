// A reporter for vitest that writes what became of each file and test to the file that TEST_OUTCOME names.
import { writeFileSync } from 'node:fs';

export default class OutcomeReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const files = modules.map((file) => ({
      path: file.moduleId,
      // Its hooks or its loading failed; what its tests say counts beside that.
      broken: file.errors().length > 0 || suitesBroken(file),
      tests: [...file.children.allTests()].map((test) => ({ name: test.fullName, state: test.result().state })),
    }));
    // An error outside of any test is that of the file it came from, where vitest knows it.
    const strays = unhandledErrors.map(({ VITEST_TEST_PATH: path }) => files.find((file) => file.path === path));
    for (const file of strays) if (file !== undefined) file.broken = true;
    const homeless = strays.filter((file) => file === undefined).length;
    writeFileSync(process.env.TEST_OUTCOME ?? '', JSON.stringify({ files, unhandledErrors: homeless }));
  }
}

function suitesBroken(file) {
  for (const suite of file.children.allSuites()) if (suite.errors().length > 0) return true;
  return false;
}
