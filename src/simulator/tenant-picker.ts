import type { Random } from './random.js';
import type { TenantGroup } from './scenario.js';

/** Picks the tenant of each request of a stream, by weight. */
export class TenantPicker {
  readonly #groups: readonly TenantGroup[];
  readonly #bounds: readonly number[];
  #invented = 0;

  constructor(groups: readonly TenantGroup[]) {
    let sum = 0;
    this.#groups = groups;
    this.#bounds = groups.map(({ weight, count }) => {
      sum += weight * count;
      return sum;
    });
  }

  pick(random: Random): string {
    const at = random() * (this.#bounds.at(-1) ?? 0);
    const index = Math.max(
      0,
      this.#bounds.findIndex((bound) => at < bound),
    );
    const group = this.#groups[index];
    if (group === undefined) throw new RangeError('a stream with tenants names at least one');
    if (group.fresh) return `${group.key}-${++this.#invented}`;
    if (group.count === 1) return group.key;
    const within = (at - (this.#bounds[index - 1] ?? 0)) / group.weight;
    return `${group.key}-${1 + Math.min(group.count - 1, Math.floor(within))}`;
  }
}
