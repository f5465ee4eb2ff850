import type { Archive } from './archive.js';
import { CensoredHistogram } from './censored-histogram.js';
import { requireNumber } from './numbers.js';
import { RecentDurations } from './recent-durations.js';

/** How many samples the expectation is worth, and how many it takes to displace it. */
const PRIOR_SAMPLES = 4;

/** More evidence than this is not counted, so that silence shows after one half-life, however busy the route was. */
const EVIDENCE_MAX = 2 * PRIOR_SAMPLES;

/** Estimates are worked out anew after so long, or so many samples. */
const FRESH_MS = 50;
const FRESH_SAMPLES = 64;

/** Slow work brings few samples: it is remembered for at least so many of its own durations, within the cap. */
const HALF_LIFE_DURATIONS = 4;
const HALF_LIFE_CAP = 12;

/** What an estimate may be told beforehand. */
export interface ServiceTimesOptions {
  /** What one request is expected to take, in ms, 0 to 3,600,000; counts like four samples. Default 0: optimism. */
  readonly expectedMs?: number | undefined;
  /** Age at which a sample counts half, in ms, above 0. Default 10,000. */
  readonly halfLifeMs?: number | undefined;
  /** The most samples that count at a time, however many arrive; at least 1. Default 200. */
  readonly maxSamples?: number | undefined;
}

/**
 * How long the requests of one route hold a seat: median, 90th percentile and mean, with a relative error of 4.5 %,
 * from 0.05 ms to 1 h. Recording is O(1) and allocates nothing; estimates are worked out when asked for, at most
 * every 50 ms or 64 samples (the first eight samples show at once).
 *
 * - **Forgetting.** A sample counts half after `halfLifeMs`, and each new sample takes 1/`maxSamples` of the weight of
 *   the old ones: a change shows in the median after some 140 samples, an increase in p90 after some 20. For slow
 *   work the half-life is stretched to four durations, up to twelve times `halfLifeMs`.
 * - **Cancelled work** is a lower bound, not a duration: see {@link CensoredHistogram}. It never lowers an estimate.
 * - **Silence.** A route that refuses everything gets no samples, so what is known loses its weight: eight samples'
 *   worth of evidence halves every half-life, and what is missing to four is filled up with the expectation. After
 *   two half-lives without a sample the median is `expectedMs` again, after four and a half p90 is.
 */
export class ServiceTimes {
  readonly #histogram: CensoredHistogram = new CensoredHistogram();
  readonly #expectedMs: number;
  readonly #baseHalfLifeMs: number;
  readonly #growth: number;
  #halfLifeMs: number;
  /** Absent where nothing is observed. */
  #recent: RecentDurations | undefined;
  #samples = 0;
  // Not `undefined` before the first: a field that is always a double is written in place, without allocation.
  #lastMs = Number.NaN;
  /** A running mean that only paces the half-life. */
  #paceMs = 0;
  // Evidence as of the last sample. Cancelled work is evidence for "slower", and none for "faster".
  #evidence = 0;
  #exactEvidence = 0;
  #settledAtMs = Number.NEGATIVE_INFINITY;
  #unsettled = 0;
  #p50 = 0;
  #p90 = 0;
  #meanMs = 0;
  /** Of the last sample; infinite where it was cancelled. */
  #lastTookMs = Number.POSITIVE_INFINITY;

  /** @throws RangeError when an option is out of range. */
  constructor(options: ServiceTimesOptions = {}) {
    this.#expectedMs = requireNumber('expectedMs', options.expectedMs ?? 0, { min: 0, max: 3_600_000 });
    this.#baseHalfLifeMs = requireNumber('halfLifeMs', options.halfLifeMs ?? 10_000);
    this.#growth = 1 + 1 / requireNumber('maxSamples', options.maxSamples ?? 200, { min: 1 });
    this.#halfLifeMs = this.#baseHalfLifeMs;
  }

  /** Samples since the start, cancelled ones included. */
  get samples(): number {
    return this.#samples;
  }

  /** The instant of the last sample, cancelled ones included; `undefined` before the first. */
  get lastSampleMs(): number | undefined {
    return this.#samples === 0 ? undefined : this.#lastMs;
  }

  /** Adds what a request took from dispatch to release, in ms. NaN and negative durations are ignored. */
  record(nowMs: number, ms: number): void {
    if (!(ms >= 0)) return;
    this.#age(nowMs, ms);
    this.#exactEvidence = Math.min(EVIDENCE_MAX, this.#exactEvidence + 1);
    this.#histogram.add(ms);
    this.#lastTookMs = ms;
  }

  /** Adds a request that was cancelled after `atLeastMs`: it would have taken longer, nobody knows how much. */
  recordCensored(nowMs: number, atLeastMs: number): void {
    if (!(atLeastMs >= 0)) return;
    this.#age(nowMs, atLeastMs);
    this.#histogram.addAtLeast(atLeastMs);
    this.#lastTookMs = Number.POSITIVE_INFINITY;
  }

  /**
   * What the last request took that ended after an instant, in ms; `Infinity` where none did, or where that one was
   * cancelled.
   */
  tookSince(sinceMs: number): number {
    return this.#lastMs > sinceMs ? this.#lastTookMs : Number.POSITIVE_INFINITY;
  }

  /** Half of the requests take no longer, in ms. */
  p50(nowMs: number): number {
    this.#settle(nowMs);
    return this.#p50;
  }

  /** Nine of ten requests take no longer, in ms. */
  p90(nowMs: number): number {
    this.#settle(nowMs);
    return this.#p90;
  }

  /** The mean, in ms. */
  meanMs(nowMs: number): number {
    this.#settle(nowMs);
    return this.#meanMs;
  }

  /** Keeps how long a request took that is only observed, in ms, for {@link recall}; no part of the estimates. */
  remember(ms: number): void {
    this.#recent ??= new RecentDurations();
    this.#recent.note(ms);
  }

  /**
   * How long one of the last 256 requests took that were remembered, each in its turn, in ms: what to assume of one
   * whose end is not known. `undefined` before any is known.
   */
  recall(): number | undefined {
    return this.#recent?.recall();
  }

  /** Whether an estimate that is asked for now would be worked out anew, which changes what is told later. */
  isStale(nowMs: number): boolean {
    const early = this.#unsettled > 0 && this.#evidence < EVIDENCE_MAX;
    return early || nowMs - this.#settledAtMs >= FRESH_MS || this.#unsettled >= FRESH_SAMPLES;
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#histogram.archive(io);
    this.#halfLifeMs = io.number(this.#halfLifeMs);
    this.#samples = io.number(this.#samples);
    this.#lastMs = io.number(this.#lastMs);
    this.#paceMs = io.number(this.#paceMs);
    this.#evidence = io.number(this.#evidence);
    this.#exactEvidence = io.number(this.#exactEvidence);
    this.#settledAtMs = io.number(this.#settledAtMs);
    this.#unsettled = io.number(this.#unsettled);
    this.#p50 = io.number(this.#p50);
    this.#p90 = io.number(this.#p90);
    this.#meanMs = io.number(this.#meanMs);
    this.#lastTookMs = io.number(this.#lastTookMs);
  }

  #age(nowMs: number, ms: number): void {
    const halfLives = this.#halfLivesSince(nowMs);
    // Infinity after a silence of days: nothing is left then.
    const factor = halfLives === 0 ? 1 : Math.exp(halfLives * Math.LN2);
    this.#histogram.age(factor * this.#growth);
    this.#exactEvidence /= factor;
    this.#evidence /= factor;
    this.#evidence = Math.min(EVIDENCE_MAX, this.#evidence + 1);
    this.#samples++;
    this.#unsettled++;
    if (!(nowMs <= this.#lastMs)) this.#lastMs = nowMs;
    this.#paceMs += (ms - this.#paceMs) / Math.min(this.#samples, 16);
    const stretch = (HALF_LIFE_DURATIONS * this.#paceMs) / this.#baseHalfLifeMs;
    this.#halfLifeMs = this.#baseHalfLifeMs * Math.min(HALF_LIFE_CAP, Math.max(1, stretch));
  }

  #halfLivesSince(nowMs: number): number {
    return nowMs > this.#lastMs ? (nowMs - this.#lastMs) / this.#halfLifeMs : 0;
  }

  #settle(nowMs: number): void {
    if (!this.isStale(nowMs)) return;
    this.#settledAtMs = nowMs;
    this.#unsettled = 0;
    const left = 2 ** -this.#halfLivesSince(nowMs);
    const doubt = this.#histogram.settle() ? doubtOf(this.#evidence * left) : 1;
    const exactDoubt = doubtOf(this.#exactEvidence * left);
    this.#p50 = this.#quantile(0.5, doubt, exactDoubt);
    this.#p90 = this.#quantile(0.9, doubt, exactDoubt);
    this.#meanMs = this.#mean(doubt, exactDoubt);
  }

  /**
   * The quantile of a mixture: the expectation with weight `doubt`, the samples with the rest. Cancelled work reduces
   * the doubt only where the samples are slower than expected.
   */
  #quantile(part: number, doubt: number, exactDoubt: number): number {
    if (this.#histogram.quantile(part) >= this.#expectedMs) {
      if (part <= doubt) return this.#expectedMs;
      return Math.max(this.#expectedMs, this.#histogram.quantile((part - doubt) / (1 - doubt)));
    }
    const shifted = part / (1 - exactDoubt);
    return shifted > 1 ? this.#expectedMs : Math.min(this.#expectedMs, this.#histogram.quantile(shifted));
  }

  #mean(doubt: number, exactDoubt: number): number {
    const seen = this.#histogram.meanMs;
    const weight = seen >= this.#expectedMs ? doubt : exactDoubt;
    return weight * this.#expectedMs + (1 - weight) * seen;
  }
}

function doubtOf(evidence: number): number {
  return Math.max(0, 1 - evidence / PRIOR_SAMPLES);
}
