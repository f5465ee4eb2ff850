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
    writeFileSync(process.env.TEST_OUTCOME ?? '', JSON.stringify({ files, unhandledErrors: unhandledErrors.length }));
  }
}

function suitesBroken(file) {
  for (const suite of file.children.allSuites()) if (suite.errors().length > 0) return true;
  return false;
}
