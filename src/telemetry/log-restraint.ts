import type { Clock } from '../clock.js';
import type { Logger, LogWrite } from './log.js';
import { LOG_CODES } from './log-codes.js';
import { seldom, withLeftOut } from './seldom.js';

/** How long what is said once a minute at most stays quiet. */
const QUIET_MS = 60_000;

interface Entry {
  readonly about: Parameters<LogWrite>[0];
  readonly message: string;
}

/**
 * The same, but that what a stream of requests would repeat is said once, or once a minute at most, of each route or pool
 * ({@link LogCode.said}): a logger of the application writes whatever it is given, and its log is no list of requests.
 */
export function restrained(logger: Logger, clock: Clock): Logger {
  return {
    debug: logger.debug,
    info: logger.info,
    warn: restrain(logger.warn, clock),
    error: restrain(logger.error, clock),
  };
}

function restrain(write: LogWrite, clock: Clock): LogWrite {
  // Routes and pools are as many as the configuration has.
  const said = new Set<string>();
  const sometimes = seldom<Entry>(QUIET_MS, clock, ({ about, message }, leftOut) =>
    write(about, withLeftOut(message, leftOut)),
  );
  return (about, message) => {
    const { code, route, pool } = about;
    const how = typeof code === 'string' ? LOG_CODES[code]?.said : undefined;
    if (how === undefined) return write(about, message);
    const key = `${String(code)} ${String(route ?? pool ?? '')}`;
    if (how === 'once_a_minute') sometimes(key, { about, message });
    else if (!said.has(key)) {
      said.add(key);
      write(about, message);
    }
  };
}
