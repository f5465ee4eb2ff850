import type { Clock, Timer } from '../clock.js';
import { HEARTBEAT_MS, type MemberReply, type MemberReport } from '../core/fleet-book.js';
import type { Registry } from './registry.js';

/** What an instance says with each heartbeat, and who hears the answer. */
export interface HeartbeatSource {
  /** What there is to say at this instant. */
  report(): Pick<MemberReport, 'fields' | 'needs'>;
  /** What came back. Returns whether the next heartbeat should be soon, because something is under way. */
  hear(reply: MemberReply): boolean;
}

/** What a {@link Heartbeat} is made of. */
export interface HeartbeatOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Names this instance; unique in the fleet. */
  readonly id: string;
  /** Instances that are assumed before the registry has answered for the first time. */
  readonly instances: number;
}

/** Between two heartbeats while something is under way. */
const SOON_MS = 200;

/**
 * Tells the fleet about once a second that this instance lives, and what it needs. Where the registry does not answer,
 * what was told last holds.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #source: HeartbeatSource | undefined;
  #timer: Timer | undefined;
  #nextAtMs = Number.POSITIVE_INFINITY;
  #beating: Promise<boolean> | undefined;
  #known = false;
  #live: number;
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#live = options.instances;
  }

  /** Whether the registry has ever answered. */
  get known(): boolean {
    return this.#known;
  }

  /**
   * Instances that live, as was heard last; before anything was, as many as are assumed. A book that does not know
   * everybody yet is not believed that there are fewer: whoever keeps it may be gone again before it does.
   */
  get live(): number {
    return this.#live;
  }

  /** The first heartbeat; the others follow. Resolves to whether it was answered. Never rejects. */
  start(source: HeartbeatSource): Promise<boolean> {
    this.#source = source;
    return this.beat();
  }

  /** A heartbeat now, or as soon as the present one is over. Resolves to whether it was answered. Never rejects. */
  async beat(): Promise<boolean> {
    while (this.#beating !== undefined) await this.#beating;
    if (this.#stopped || this.#source === undefined) return false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#beating = this.#exchange(this.#source);
    const answered = await this.#beating;
    return answered;
  }

  /** The registry answers again, or something has changed: the next heartbeat comes soon. */
  hurry(): void {
    if (this.#source !== undefined) this.#arm(0);
  }

  /** The last word: what this instance had is free. Never rejects. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#beating;
    if (this.#known) await this.#options.registry.leave(this.#options.id).catch(() => undefined);
  }

  async #exchange(source: HeartbeatSource): Promise<boolean> {
    const { registry, id } = this.#options;
    let soon = false;
    try {
      const reply = await registry.meet({ id, known: this.#known, ...source.report() });
      this.#known = true;
      this.#live = reply.settled ? reply.live : Math.max(this.#live, reply.live);
      soon = source.hear(reply);
      return true;
    } catch {
      // Whoever keeps the book tells why; it is said again with the next heartbeat.
      return false;
    } finally {
      this.#beating = undefined;
      this.#arm(soon ? SOON_MS : HEARTBEAT_MS * (0.8 + this.#options.random() * 0.2));
    }
  }

  #arm(delayMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.nowMs() + delayMs;
    if (this.#stopped || (this.#timer !== undefined && this.#nextAtMs <= atMs)) return;
    this.#timer?.cancel();
    this.#nextAtMs = atMs;
    this.#timer = clock.after(delayMs, () => {
      this.#timer = undefined;
      void this.beat();
    });
  }
}
