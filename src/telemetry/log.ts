import { type Clock, systemClock } from '../clock.js';

/** Writes one entry: first what it is about, with a stable `code` where there is one, then a sentence. */
export type LogWrite = (about: Readonly<Record<string, unknown>>, message: string) => void;

/** Where Sluice logs to. The order of the arguments is that of pino, whose loggers fit as they are. */
export interface Logger {
  readonly debug: LogWrite;
  readonly info: LogWrite;
  readonly warn: LogWrite;
  readonly error: LogWrite;
}

/** Settings of {@link consoleLogger}. */
export interface ConsoleLoggerOptions {
  /** How long the same code stays quiet after it was written, in milliseconds. Default 60,000. */
  readonly quietMs?: number;
  readonly clock?: Clock;
  /** Default: the global console. */
  readonly sink?: Pick<Console, 'warn' | 'error'>;
}

/** Codes are few; should somebody put data into them, memory still has a bound. */
const MOST_CODES = 256;

const nothing: LogWrite = () => {};

/** Logs nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The same, but that a logger which throws does not fail whoever has something to tell: a log is never worth a request. */
export function shielded(logger: Logger): Logger {
  const write =
    (level: keyof Logger): LogWrite =>
    (about, message) => {
      try {
        logger[level](about, message);
      } catch {
        // Whom to tell, when the log is what fails?
      }
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/**
 * Logs warnings and errors to the console, each code once in a while with the number of repetitions left out since:
 * a storm of faults must not become a storm of lines. Debug and info go nowhere, and of `about` only the code is
 * written.
 */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  const { quietMs = 60_000, clock = systemClock, sink = console } = options;
  return {
    ...silentLogger,
    warn: seldom(quietMs, clock, (line) => sink.warn(line)),
    error: seldom(quietMs, clock, (line) => sink.error(line)),
  };
}

function seldom(quietMs: number, clock: Clock, write: (line: string) => void): LogWrite {
  const written = new Map<string, { quietUntilMs: number; leftOut: number }>();
  return (about, message) => {
    const code = typeof about.code === 'string' ? about.code : message;
    const nowMs = clock.nowMs();
    const last = written.get(code);
    if (last !== undefined && nowMs < last.quietUntilMs) {
      last.leftOut += 1;
      return;
    }
    if (last === undefined && written.size >= MOST_CODES) written.clear();
    written.set(code, { quietUntilMs: nowMs + quietMs, leftOut: 0 });
    const repeated = last === undefined || last.leftOut === 0 ? '' : ` (and ${last.leftOut} more like it)`;
    write(code === message ? `sluice: ${message}${repeated}` : `sluice: ${message} [${code}]${repeated}`);
  };
}
