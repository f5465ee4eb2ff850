// The command line draws with it as well, and a published package has no test folder.
export * from '../../src/cli/svg-chart.js';
