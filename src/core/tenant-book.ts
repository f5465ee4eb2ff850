import { type Archive, archiveMap } from './archive.js';
import { boundedKey, detached } from './bounded-key.js';
import { type Overtaking, TenantLine } from './tenant-line.js';

/** A tenant without tickets is forgotten after so long. */
const IDLE_MS = 600_000;

/**
 * Who the tenants of one class are: at most `maxTenants` accounts, and as many names of tenants that were served once.
 *
 * A tenant gets an account of its own when it comes again after it was served. Until then, and where all accounts are
 * in use, tickets of newcomers stand in one account together: it has one share, so a flood of invented keys, each of
 * which is served once at most, costs the others no more than one more tenant would. (Hashing keys to a fixed number of
 * lines would let the flood into every line.) Who proves many keys by coming back with each gets a share for each:
 * fairness by key is as good as the key.
 */
export class TenantBook<Owner> {
  /** Everybody who has no account. */
  readonly newcomers: TenantLine<Owner>;
  readonly #maxTenants: number;
  readonly #mayOvertake: Overtaking;
  readonly #active = new Map<string, TenantLine<Owner>>();
  /** Accounts without tickets and leases, the one that is idle longest first. */
  readonly #idle = new Map<string, TenantLine<Owner>>();
  /** When tenants without account were served, the one served longest ago first. */
  readonly #served = new Map<string, number>();

  constructor(maxTenants: number, mayOvertake: Overtaking) {
    this.#maxTenants = maxTenants;
    this.#mayOvertake = mayOvertake;
    this.newcomers = new TenantLine<Owner>(undefined, mayOvertake);
  }

  /** Tenants that have an account. */
  get size(): number {
    return this.#active.size + this.#idle.size;
  }

  /** Everything that is kept: accounts, and names of those that were served once. */
  get entries(): number {
    return this.size + this.#served.size;
  }

  /** The account that a ticket of this tenant would stand in, as far as is known; nothing changes. */
  find(tenant: string): TenantLine<Owner> {
    const key = boundedKey(tenant);
    return this.#active.get(key) ?? this.#idle.get(key) ?? this.newcomers;
  }

  /** The account for a ticket of this tenant, which is in use from now on. */
  activate(tenant: string): TenantLine<Owner> {
    const key = boundedKey(tenant);
    const active = this.#active.get(key);
    if (active !== undefined) return active;
    const idle = this.#idle.get(key);
    if (idle !== undefined) {
      this.#idle.delete(key);
      this.#active.set(key, idle);
      return idle;
    }
    return this.#served.has(key) && this.#makeRoom() ? this.#open(key) : this.newcomers;
  }

  /** A ticket of a newcomer was served: when its tenant comes again, it is known. */
  noteServed(nowMs: number, tenant: string): void {
    if (this.#maxTenants === 0) return;
    const key = boundedKey(tenant);
    if (this.#served.delete(key)) this.#served.set(key, nowMs);
    else this.#served.set(detached(key), nowMs);
    for (const [first, atMs] of this.#served) {
      if (this.#served.size <= this.#maxTenants && nowMs - atMs < IDLE_MS) break;
      this.#served.delete(first);
    }
  }

  /** An account has neither tickets nor leases any more. */
  rest(nowMs: number, line: TenantLine<Owner>): void {
    line.idleSinceMs = nowMs;
    if (line.key === undefined || !this.#active.delete(line.key)) return;
    this.#idle.set(line.key, line);
    for (const [key, { idleSinceMs }] of this.#idle) {
      if (nowMs - idleSinceMs < IDLE_MS) break;
      this.#idle.delete(key);
    }
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.newcomers.archive(io);
    for (const lines of [this.#active, this.#idle]) {
      archiveMap(io, lines, (key, known) => {
        const line = known ?? new TenantLine<Owner>(key, this.#mayOvertake);
        line.archive(io);
        return line;
      });
    }
    archiveMap(io, this.#served, (_, atMs) => io.number(atMs ?? 0));
  }

  #open(key: string): TenantLine<Owner> {
    const own = detached(key);
    this.#served.delete(key);
    const line = new TenantLine<Owner>(own, this.#mayOvertake);
    this.#active.set(own, line);
    return line;
  }

  /** Whether there is room for one more account: where there is none, the one that is idle longest makes it. */
  #makeRoom(): boolean {
    if (this.size < this.#maxTenants) return true;
    for (const key of this.#idle.keys()) return this.#idle.delete(key);
    return false;
  }
}
