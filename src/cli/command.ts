import type { Environment } from '../config/reading.js';
import type { Terminal } from './terminal.js';

/** What a command may use of the world. */
export interface CliIo {
  /** Writes a line, or several, of what was asked for. */
  out(text: string): void;
  /** Writes a line of what is said beside it: progress, warnings, mistakes. */
  err(text: string): void;
  readonly env: Environment;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  /** Monotonic milliseconds, with fractions. */
  nowMs(): number;
  /** Whether `out` leads to a terminal that shows colours. Default false. */
  readonly colours?: boolean;
  /** The screen, where there is one. */
  readonly terminal?: Terminal | undefined;
  /** Aborted when nobody reads any more what goes `out`. Default: never. */
  readonly unread?: AbortSignal | undefined;
}

/** One option of a command. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** Whether it may be given more than once. */
  readonly multiple?: boolean;
  /** What to call its value in the help. */
  readonly value?: string;
  readonly description: string;
}

/** The options of one call, checked against the specification. */
export interface Arguments {
  /** Every value of an option, in the order in which they were given. */
  all(name: string): readonly string[];
  /** The last value of an option. */
  text(name: string): string | undefined;
  /** The last value of an option as a number. */
  number(name: string): number | undefined;
  flag(name: string): boolean;
  /** The argument that is no option. */
  readonly operand: string | undefined;
}

/** One command of the command line. */
export interface Command {
  readonly name: string;
  /** What follows the name in the usage line. */
  readonly usage: string;
  /** What to call the one argument that is no option. Absent: it takes none. */
  readonly operand?: string;
  /** What it does, for the help of the command. */
  readonly description: string;
  /** How it is called, and when one would. */
  readonly examples: readonly (readonly [call: string, when: string])[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Returns the exit code. */
  run(args: Arguments, io: CliIo): Promise<number> | number;
}

/** The command was called in a way that it does not know. Ends the process with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** One thing that is wrong, for programs. */
export interface Mistake {
  readonly where: string;
  readonly [about: string]: unknown;
}

/** Something that was named cannot be used, and the message says all there is to say. Ends the process with code 1. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** What the message tells, one by one, where it tells of several. */
  readonly mistakes: readonly Mistake[];

  constructor(message: string, mistakes: readonly Mistake[] = []) {
    super(message);
    this.mistakes = mistakes;
  }
}
