import type { Random } from './random.js';

/** A distribution of durations in milliseconds, as a scenario names it. */
export type Distribution =
  | { readonly kind: 'constant'; readonly ms: number }
  | { readonly kind: 'exponential'; readonly meanMs: number }
  | { readonly kind: 'lognormal'; readonly medianMs: number; readonly sigma: number }
  /** Cut off at `maxMs`, where it is given: what is longer takes exactly that. */
  | { readonly kind: 'pareto'; readonly minMs: number; readonly alpha: number; readonly maxMs?: number | undefined }
  | { readonly kind: 'bimodal'; readonly fastMs: number; readonly slowMs: number; readonly slowShare: number }
  | { readonly kind: 'mixture'; readonly parts: readonly MixturePart[] };

/** One part of a mixture; the shares of all parts add up to 1. */
export interface MixturePart {
  readonly share: number;
  readonly of: Distribution;
}

/** Draws one duration, in milliseconds. */
export function draw(distribution: Distribution, random: Random): number {
  switch (distribution.kind) {
    case 'constant':
      return distribution.ms;
    case 'exponential':
      return -Math.log(1 - random()) * distribution.meanMs;
    case 'lognormal':
      return distribution.medianMs * Math.exp(distribution.sigma * drawNormal(random));
    case 'pareto':
      return Math.min(
        distribution.maxMs ?? Number.POSITIVE_INFINITY,
        distribution.minMs * (1 - random()) ** (-1 / distribution.alpha),
      );
    case 'bimodal':
      return random() < distribution.slowShare ? distribution.slowMs : distribution.fastMs;
    case 'mixture':
      return draw(partAt(distribution.parts, random()), random);
  }
}

/** The probability of a duration of at most `ms`: the success that nobody can exceed within a deadline. */
export function shareWithin(distribution: Distribution, ms: number): number {
  switch (distribution.kind) {
    case 'constant':
      return ms >= distribution.ms ? 1 : 0;
    case 'exponential':
      return ms <= 0 ? 0 : 1 - Math.exp(-ms / distribution.meanMs);
    case 'lognormal':
      return ms <= 0 ? 0 : normalShare(Math.log(ms / distribution.medianMs) / distribution.sigma);
    case 'pareto':
      if (ms < distribution.minMs) return 0;
      return ms >= (distribution.maxMs ?? Number.POSITIVE_INFINITY)
        ? 1
        : 1 - (distribution.minMs / ms) ** distribution.alpha;
    case 'bimodal':
      return (
        (ms >= distribution.fastMs ? 1 - distribution.slowShare : 0) +
        (ms >= distribution.slowMs ? distribution.slowShare : 0)
      );
    case 'mixture':
      return distribution.parts.reduce((sum, { share, of }) => sum + share * shareWithin(of, ms), 0);
  }
}

function partAt(parts: readonly MixturePart[], at: number): Distribution {
  let sum = 0;
  for (const { share, of } of parts) {
    sum += share;
    if (at < sum) return of;
  }
  const last = parts.at(-1);
  if (last === undefined) throw new RangeError('a mixture needs at least one part');
  return last.of;
}

/** A standard normal number (Box and Muller 1958). */
function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The standard normal distribution function, to 1e-7 (Abramowitz and Stegun 1964, formula 26.2.17). */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = (series * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
  return z >= 0 ? 1 - upper : upper;
}
