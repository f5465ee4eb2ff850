/** Rejections that nobody heard while this ran: one ends a process that does not listen for them, as most do not. */
export async function unheardRejections(run: () => unknown): Promise<unknown[]> {
  const unheard: unknown[] = [];
  const hear = (error: unknown): unknown => unheard.push(error);
  process.on('unhandledRejection', hear);
  try {
    await run();
    // They are told when the microtasks are done.
    await new Promise(setImmediate);
    return unheard;
  } finally {
    process.off('unhandledRejection', hear);
  }
}
