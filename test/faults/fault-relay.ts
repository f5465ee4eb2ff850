import { type Address, Relay } from '../contract/relay.js';

type Pass = (chunk: Buffer) => void;

/** A relay that can also lose track of the connections that it has, as a firewall does with those that idle. */
export class FaultRelay extends Relay {
  readonly #known: Set<Pass>;
  readonly #forgotten: Set<Pass>;

  private constructor(target: Address, known: Set<Pass>, forgotten: Set<Pass>) {
    super(target, {
      onAnswer: (chunk, pass) => {
        if (forgotten.has(pass)) return;
        known.add(pass);
        pass(chunk);
      },
    });
    this.#known = known;
    this.#forgotten = forgotten;
  }

  static override async to(target: Address): Promise<FaultRelay> {
    const relay = new FaultRelay(target, new Set(), new Set());
    await relay.listen();
    return relay;
  }

  /** No answer passes any more on the connections of now, and nobody is told; new ones work. */
  forget(): void {
    for (const pass of this.#known) this.#forgotten.add(pass);
  }
}
