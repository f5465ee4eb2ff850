import { type Address, Relay } from '../contract/relay.js';

/** A relay that makes its server seem far away, and counts how often a client waits for it. */
export class FarRelay extends Relay {
  /** How long an answer is under way, and the request with it: a round trip, in milliseconds. */
  roundTripMs = 0;
  readonly #trips: { count: number; answered: boolean };

  private constructor(target: Address, trips: { count: number; answered: boolean }) {
    super(target, {
      // What is sent before an answer has come belongs to the same trip.
      onConnection: () => () => {
        if (trips.answered) trips.count += 1;
        trips.answered = false;
      },
      onAnswer: (chunk, pass) => {
        trips.answered = true;
        if (this.roundTripMs === 0) pass(chunk);
        else setTimeout(pass, this.roundTripMs, chunk);
      },
    });
    this.#trips = trips;
  }

  static override async to(target: Address): Promise<FarRelay> {
    const relay = new FarRelay(target, { count: 0, answered: true });
    await relay.listen();
    return relay;
  }

  /** Round trips of all clients until now; right where one of them talks at a time. */
  get trips(): number {
    return this.#trips.count;
  }
}
