/**
 * Runs code of the user's while the output of the program is not its own: what it prints, as a settings library does
 * that greets, goes to the errors, and what it ends the process with is told.
 */
export async function withItsOwnStreams<T>(path: string, run: () => Promise<T>): Promise<T> {
  const { stdout, stderr } = process;
  const write = stdout.write;
  const onExit = (): void => {
    stderr.write(`sluice: ${path} ended the process while it was loaded; let it export the options and return\n`);
    process.exitCode = 1;
  };
  stdout.write = stderr.write.bind(stderr);
  process.once('exit', onExit);
  try {
    return await run();
  } finally {
    stdout.write = write;
    process.off('exit', onExit);
  }
}
