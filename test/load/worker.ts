import type { LoadEnding, LoadReply, LoadRequest } from './messages.js';
import { runPlan } from './run-plan.js';

// The process of the load generator: one plan in, one result out, then it ends. It also ends when its parent does.

function reply(message: LoadReply): void {
  process.send?.(message, () => process.disconnect());
}

process.once('message', (message: LoadRequest) => {
  const ending = new Promise<LoadEnding>((resolve) => process.once('message', resolve));
  runPlan(message.plan, undefined, ending).then(
    (result) => reply({ result }),
    (error: unknown) => reply({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.once('disconnect', () => process.exit(0));
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
