import { type Clock, systemClock } from '../clock.js';
import { quietly } from './quietly.js';
import { seldom, withLeftOut } from './seldom.js';

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
  /** How long the same code, of the same route where it names one, stays quiet after it was written, in milliseconds. Default 60,000. */
  readonly quietMs?: number;
  readonly clock?: Clock;
  /** Default: the global console. */
  readonly sink?: Pick<Console, 'warn' | 'error'>;
}

const nothing: LogWrite = () => {};

/** Logs nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/**
 * The same, but that a logger which throws, or rejects where it is asynchronous, does not fail whoever has something to
 * tell: a log is never worth a request.
 */
export function shielded(logger: Logger): Logger {
  const write =
    (level: keyof Logger): LogWrite =>
    (about, message) =>
      quietly(() => logger[level](about, message));
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/**
 * Logs warnings and errors to the console, each code, of each route that it names, once in a while with the number of repetitions left out since:
 * a storm of faults must not become a storm of lines. What was left out last is told when the quiet is over, so that
 * the end of the log is how things stand. Debug and info go nowhere, and of `about` only the code is written.
 */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  const { quietMs = 60_000, clock = systemClock, sink = console } = options;
  return {
    ...silentLogger,
    warn: byCode(quietMs, clock, (line) => sink.warn(line)),
    error: byCode(quietMs, clock, (line) => sink.error(line)),
  };
}

function byCode(quietMs: number, clock: Clock, sink: (line: string) => void): LogWrite {
  const write = seldom<string>(quietMs, clock, (line, leftOut) => quietly(() => sink(withLeftOut(line, leftOut))));
  return ({ code, route }, message) => {
    if (typeof code !== 'string') write(message, `sluice: ${message}`);
    else write(typeof route === 'string' ? `${code} ${route}` : code, `sluice: ${message} [${code}]`);
  };
}
