import { systemClock } from '../../../src/clock.js';
import type { Lane, LaneWaiter } from '../../../src/fleet/lane.js';

/** One who asked for a place. */
export interface Holder extends LaneWaiter {
  inside: boolean;
}

/** Those who ask for places in one lane at several instances, and how many were inside at once. */
export class LaneHolders {
  readonly lanes: readonly Lane[];
  /** How many got a place, by instance. */
  readonly served: number[];
  most = 0;
  readonly #inside: { readonly place: number; readonly holder: Holder }[] = [];

  constructor(lanes: readonly Lane[]) {
    this.lanes = lanes;
    this.served = lanes.map(() => 0);
  }

  get inside(): number {
    return this.#inside.length;
  }

  insideOf(place: number): number {
    return this.#inside.filter((one) => one.place === place).length;
  }

  ask(place: number): Holder {
    const enter = (): boolean => {
      holder.inside = true;
      this.served[place] = (this.served[place] ?? 0) + 1;
      this.#inside.push({ place, holder });
      this.most = Math.max(this.most, this.inside);
      return true;
    };
    const holder: Holder = { inside: false, onPlace: enter, onShed: () => {} };
    if (this.#lane(place).enter(systemClock.nowMs(), holder)) enter();
    return holder;
  }

  /** The first who came leaves. False where nobody is inside. */
  leaveAny(): boolean {
    const first = this.#inside.shift();
    if (first === undefined) return false;
    first.holder.inside = false;
    this.#lane(first.place).leave(systemClock.nowMs());
    return true;
  }

  #lane(place: number): Lane {
    const lane = this.lanes[place];
    if (lane === undefined) throw new RangeError(`there is no instance ${place}`);
    return lane;
  }
}
