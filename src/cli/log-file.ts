import { type DecodedLog, decodeLog, LogFormatError } from '../telemetry/decision-log/log-document.js';
import { packageVersion } from '../telemetry/decision-log/package-version.js';
import { CliError } from './command.js';
import { type LoggedTraffic, readTraffic } from './replay/requests.js';

/**
 * Reads a decision log.
 *
 * @throws {@link CliError} naming what is wrong with it.
 */
export function readLog(file: string, bytes: Uint8Array): DecodedLog {
  try {
    return decodeLog(bytes);
  } catch (error) {
    if (error instanceof LogFormatError) throw new CliError(`${file}: ${error.message}`);
    throw error;
  }
}

/** What to say of a log that another Sluice wrote. */
export function otherWriter(file: string, { writtenBy }: DecodedLog): string[] {
  const here = packageVersion();
  if (writtenBy === here) return [];
  return [`sluice: ${file} was written by Sluice ${writtenBy}; this is ${here}, which may decide otherwise`];
}

/**
 * Decides a log again, and puts its requests together on the way.
 *
 * @throws {@link CliError} when the states at its head are of another policy.
 */
export function decideAgain(file: string, log: DecodedLog): LoggedTraffic {
  try {
    return readTraffic(log);
  } catch (error) {
    // A state that another policy wrote: only its length can tell.
    if (!(error instanceof RangeError)) throw error;
    throw new CliError(`${file}: its states are not those of this Sluice: ${error.message}`);
  }
}
