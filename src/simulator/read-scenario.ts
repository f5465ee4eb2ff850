import type { z } from 'zod';
import { JsonSyntaxError, type PositionedJson, parsePositionedJson } from './positioned-json.js';
import { SCENARIO_VERSION, type Scenario } from './scenario.js';
import { ScenarioError, type ScenarioProblem } from './scenario-error.js';
import { scenarioSchema } from './scenario-schema.js';

/** Finds the known name that an unknown one most likely means. */
export type Nearest = (name: string, candidates: readonly string[]) => string | undefined;

/** A scenario with the places of its parts, for mistakes that only show against a configuration. */
export interface ReadScenario {
  readonly scenario: Scenario;
  /** The error for a mistake at a path of the file. */
  mistake(path: readonly PropertyKey[], message: string): ScenarioError;
  /** The same for several; `where` is what to call the place. */
  mistakes(found: readonly PlacedMistake[]): ScenarioError;
}

/** A mistake at a path of a scenario. */
export interface PlacedMistake {
  readonly path: readonly PropertyKey[];
  readonly where: string;
  readonly message: string;
}

/**
 * Reads a scenario file.
 *
 * @param file - What to call it in messages.
 * @param nearest - Suggests a name for one that is mistaken.
 * @throws {@link ScenarioError} with every mistake by line and column.
 */
export function readScenario(text: string, file: string, nearest: Nearest = () => undefined): ReadScenario {
  const json = parse(text, file);
  checkVersion(json, file);
  const result = scenarioSchema.safeParse(json.value);
  if (!result.success) {
    throw new ScenarioError(
      file,
      result.error.issues.flatMap((issue) => problemsOf(issue, json, nearest)),
    );
  }
  const mistakes: ReadScenario['mistakes'] = (found) =>
    new ScenarioError(
      file,
      found.map(({ path, where, message }) => ({ ...json.positionOf(path), where, message })),
    );
  const mistake: ReadScenario['mistake'] = (path, message) => mistakes([{ path, where: shownPath(path), message }]);
  return { scenario: result.data, mistake, mistakes };
}

function parse(text: string, file: string): PositionedJson {
  try {
    return parsePositionedJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new ScenarioError(file, [{ ...error.position, where: '', message: error.message }]);
  }
}

/** A file of another version is not worth a list of all that is strange in it. */
function checkVersion({ value, positionOf }: PositionedJson, file: string): void {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const version = isObject && 'sluiceScenario' in value ? value.sluiceScenario : undefined;
  if (version === SCENARIO_VERSION) return;
  const message =
    version === undefined
      ? `this is no scenario: give an object with "sluiceScenario": ${SCENARIO_VERSION}`
      : `version ${JSON.stringify(version)} is not known here; this version of Sluice reads ${SCENARIO_VERSION}`;
  throw new ScenarioError(file, [{ ...positionOf(['sluiceScenario']), where: '', message }]);
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, json: PositionedJson, nearest: Nearest): ScenarioProblem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      ...json.keyPositionOf(path, key),
      where: shownPath([...path, key]),
      message: `no such field${hint(key, nearest)}`,
    }));
  }
  return [{ ...json.positionOf(path), where: shownPath(path), message: messageOf(issue) }];
}

/** Names of fields, all of them: a slip is near to the right one wherever that belongs. */
const FIELD_NAMES = [
  ...['name', 'description', 'durationMs', 'warmUpMs', 'seeds', 'cancelAtDeadline', 'gateway', 'streams', 'events'],
  ...['windows', 'reclaim', 'route', 'arrivals', 'rate', 'service', 'lock', 'budget', 'disconnects', 'tenants', 'cost'],
  ...['retries', 'reading', 'perSecond', 'toPerSecond', 'forMs', 'atMs', 'fromMs', 'untilMs', 'everyMs', 'kind', 'ms'],
  ...[
    'meanMs',
    'medianMs',
    'sigma',
    'minMs',
    'maxMs',
    'alpha',
    'fastMs',
    'slowMs',
    'slowShare',
    'parts',
    'share',
    'of',
  ],
  ...['hold', 'costPerWaiter', 'after', 'key', 'count', 'weight', 'fresh', 'attempts', 'backoffMs', 'factor', 'jitter'],
  ...['honourRetryAfter', 'time', 'holdsSeat', 'pool', 'seats', 'toFactor', 'pools', 'routes', 'max', 'ratePerSecond'],
  ...['burst', 'deadlineMs', 'maxQueued', 'class', 'targetMs'],
];

function hint(key: string, nearest: Nearest): string {
  const name = nearest(key, FIELD_NAMES);
  return name === undefined || name === key ? ' here' : ` here; did you mean ${name}?`;
}

function messageOf(issue: Issue): string {
  if (issue.code === 'invalid_union' && 'discriminator' in issue && issue.discriminator === 'kind') {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    return options.length === 0 ? 'give a "kind" that is known' : `use one of ${options.join(', ')} as "kind"`;
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return `is missing: give ${article(issue.expected)}`;
  }
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
}

const article = (noun: string): string => (/^[aeio]/.test(noun) ? `an ${noun}` : `a ${noun}`);

function shownPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((shown, key) => {
    if (typeof key === 'number') return `${shown}[${key}]`;
    return shown === '' ? String(key) : `${shown}.${String(key)}`;
  }, '');
}
