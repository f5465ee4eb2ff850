import type { DecisionRecord } from '../../telemetry/decision-log/decision-record.js';

/** Of one route. Whoever left before its body was there never comes. */
const MOST_KEPT = 10_000;

/** Records of requests that were judged and let pass, by route: they come again after their body. */
export class JudgedRecords {
  readonly #byRoute = new Map<number, DecisionRecord[]>();

  add(record: DecisionRecord): void {
    const judged = this.#of(record.source);
    judged.push(record);
    if (judged.length > MOST_KEPT) judged.splice(0, MOST_KEPT / 2);
  }

  /** The one that was judged last. */
  takeLast(route: number): DecisionRecord | undefined {
    return this.#of(route).pop();
  }

  /** The one of the same request. */
  take({ source, first, second }: DecisionRecord): DecisionRecord | undefined {
    const judged = this.#of(source);
    const place = judged.findLastIndex((record) => record.first === first && record.second === second);
    return place === -1 ? undefined : judged.splice(place, 1)[0];
  }

  #of(route: number): DecisionRecord[] {
    let judged = this.#byRoute.get(route);
    if (judged === undefined) {
      judged = [];
      this.#byRoute.set(route, judged);
    }
    return judged;
  }
}
