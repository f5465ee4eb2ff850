/** Commands that can make transactions read-only, as the server names them. */
const COMMANDS: ReadonlySet<string> = new Set(['SET', 'BEGIN', 'START', 'START TRANSACTION']);

const READ_ONLY = /\bread\s+only\b|\btransaction_read_only\b/i;

/** Whether a statement that has run may have made its own transaction, or those to come, read-only. */
export function makesReadOnly(command: string, text: string): boolean {
  return COMMANDS.has(command) && READ_ONLY.test(text);
}
