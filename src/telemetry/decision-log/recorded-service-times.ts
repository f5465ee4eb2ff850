import { ServiceTimes, type ServiceTimesOptions } from '../../core/service-times.js';
import { headOf, KIND, LEASED, NO_SLOT, PASSED } from './decision-record.js';
import type { Recorder } from './recorder.js';

/**
 * Service times that write down their samples, and those readings from outside the policy that make them work their
 * estimates out anew.
 */
export class RecordedServiceTimes extends ServiceTimes {
  readonly #recorder: Recorder;
  readonly #source: number;

  /** @param source - The place of the route in the settings. */
  constructor(options: ServiceTimesOptions, recorder: Recorder, source: number) {
    super(options);
    this.#recorder = recorder;
    this.#source = source;
  }

  override record(nowMs: number, ms: number): void {
    super.record(nowMs, ms);
    this.#recorder.ring.put(headOf(KIND.sample, this.#source, 0, PASSED), nowMs, NO_SLOT, ms);
  }

  override recordCensored(nowMs: number, atLeastMs: number): void {
    super.recordCensored(nowMs, atLeastMs);
    this.#recorder.ring.put(headOf(KIND.sample, this.#source, 0, LEASED), nowMs, NO_SLOT, atLeastMs);
  }

  override p50(nowMs: number): number {
    if (this.#recorder.deciding || !this.isStale(nowMs)) return super.p50(nowMs);
    const ms = super.p50(nowMs);
    this.#noteSettled(nowMs);
    return ms;
  }

  override p90(nowMs: number): number {
    if (this.#recorder.deciding || !this.isStale(nowMs)) return super.p90(nowMs);
    const ms = super.p90(nowMs);
    this.#noteSettled(nowMs);
    return ms;
  }

  override meanMs(nowMs: number): number {
    if (this.#recorder.deciding || !this.isStale(nowMs)) return super.meanMs(nowMs);
    const ms = super.meanMs(nowMs);
    this.#noteSettled(nowMs);
    return ms;
  }

  #noteSettled(nowMs: number): void {
    this.#recorder.ring.put(headOf(KIND.settle, this.#source), nowMs);
  }
}
