/** Something that happens at an instant of virtual time. */
export interface TimedEvent {
  readonly atMs: number;
  /** Tells events of one instant apart: the one that was added first happens first. */
  readonly order: number;
}

/** The future of a simulation: events by instant, and in the order of their making where instants are the same. */
export class EventHeap<Event extends TimedEvent> {
  readonly #events: Event[] = [];

  /** Events that have not happened yet. */
  get size(): number {
    return this.#events.length;
  }

  /** The instant of the next event; `Infinity` when there is none. */
  get nextMs(): number {
    return this.#events[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(event: Event): void {
    const events = this.#events;
    let place = events.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = events[parent];
      if (above === undefined || !before(event, above)) break;
      events[place] = above;
      place = parent;
    }
    events[place] = event;
  }

  /** Takes the next event. */
  take(): Event | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (last === undefined || last === first) return first;
    let place = 0;
    for (;;) {
      const child = this.#earlierChild(place);
      const below = events[child];
      if (below === undefined || !before(below, last)) break;
      events[place] = below;
      place = child;
    }
    events[place] = last;
    return first;
  }

  #earlierChild(place: number): number {
    const left = 2 * place + 1;
    const one = this.#events[left];
    const other = this.#events[left + 1];
    return one !== undefined && other !== undefined && before(other, one) ? left + 1 : left;
  }
}

function before(one: TimedEvent, other: TimedEvent): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
