import { type Random, seededRandom, seedFor } from './random.js';

/** When the requests of one stream are meant to leave. */
export interface ArrivalStream {
  readonly name: string;
  readonly kind: 'poisson' | 'uniform';
  /** Mean rate, above 0. */
  readonly ratePerSecond: number;
  /** The part of the run in which the stream flows, in milliseconds from its start. Default: all of it. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

interface Line {
  readonly gapMs: number;
  readonly random: Random;
  readonly poisson: boolean;
  readonly toMs: number;
  nextMs: number;
}

/**
 * The intended send times of an open loop: they depend on the seed and the rates alone, never on how the server does.
 * Times are milliseconds from the start of the run and come out in order.
 */
export class ArrivalSchedule {
  readonly #lines: Line[];

  constructor(streams: readonly ArrivalStream[], seed: number) {
    this.#lines = streams.map((stream) => {
      if (!(stream.ratePerSecond > 0)) {
        throw new RangeError(`stream "${stream.name}": ratePerSecond must be above 0, it is ${stream.ratePerSecond}`);
      }
      const line: Line = {
        gapMs: 1_000 / stream.ratePerSecond,
        random: seededRandom(seedFor(seed, stream.name)),
        poisson: stream.kind === 'poisson',
        toMs: stream.toMs ?? Number.POSITIVE_INFINITY,
        nextMs: stream.fromMs ?? 0,
      };
      // A uniform stream starts at a random phase; else all streams of a run would fire together at 0.
      advance(line, line.poisson ? gapOf(line) : line.gapMs * line.random());
      return line;
    });
  }

  /** The next intended send time, `Infinity` when there is none. */
  peekMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const line of this.#lines) if (line.nextMs < nextMs) nextMs = line.nextMs;
    return nextMs;
  }

  /** Consumes the next arrival: the index of its stream and its intended send time; `undefined` when there is none. */
  take(): { readonly stream: number; readonly atMs: number } | undefined {
    let first: Line | undefined;
    let stream = -1;
    for (const [index, line] of this.#lines.entries()) {
      if (first === undefined || line.nextMs < first.nextMs) {
        first = line;
        stream = index;
      }
    }
    if (first === undefined || first.nextMs === Number.POSITIVE_INFINITY) return undefined;
    const atMs = first.nextMs;
    advance(first, first.poisson ? gapOf(first) : first.gapMs);
    return { stream, atMs };
  }
}

function advance(line: Line, gapMs: number): void {
  line.nextMs += gapMs;
  if (line.nextMs >= line.toMs) line.nextMs = Number.POSITIVE_INFINITY;
}

/** Exponential gaps make a Poisson process; `1 - random` keeps the logarithm finite. */
function gapOf(line: Line): number {
  return -Math.log(1 - line.random()) * line.gapMs;
}
