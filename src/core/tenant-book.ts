import { type Archive, archiveMap } from './archive.js';
import { boundedKey, detached } from './bounded-key.js';
import { KnownNames } from './known-names.js';
import { type Overtaking, TenantLine } from './tenant-line.js';

/** A tenant without tickets is forgotten after so long. */
const IDLE_MS = 600_000;

/** So many names are kept for each account: of tenants that were served, and of those that came and were not. */
const SERVED_PER_ACCOUNT = 2;
const UNSERVED_PER_ACCOUNT = 8;

/**
 * Who the tenants of one class are: at most `maxTenants` accounts, twice as many names of tenants that were served once,
 * and eight times as many of those that came and were not served.
 *
 * A tenant gets an account of its own when it comes again after it was served. Until then, and where all accounts are
 * in use, it stands in one account together with others: with all who come for the first time, or with all who came
 * before. Each of the two has one share, so a flood of invented keys, each of which comes once, costs the others no more
 * than one more tenant would, and does not keep them from being served for the first time either. (Hashing keys to a
 * fixed number of lines would let the flood into every line.) Who proves many keys by being served with each gets a
 * share for each: fairness by key is as good as the key.
 */
export class TenantBook<Owner> {
  /** Everybody who comes for the first time, as far as is known. */
  readonly newcomers: TenantLine<Owner>;
  /** Everybody who came before and has no account yet. */
  readonly waiting: TenantLine<Owner>;
  readonly #maxTenants: number;
  readonly #overtaking: Overtaking;
  readonly #active = new Map<string, TenantLine<Owner>>();
  /** Accounts without tickets and leases, the one that is idle longest first. */
  readonly #idle = new Map<string, TenantLine<Owner>>();
  /** What an account is like before its first ticket. */
  readonly #blank: TenantLine<Owner>;
  /** Who was served without an account. */
  readonly #served: KnownNames;
  /** Who came and was not served. */
  readonly #unserved: KnownNames;
  /** What {@link find} was asked last, and what it found, until something changes. */
  #asked: string | undefined;
  #found: TenantLine<Owner>;

  constructor(maxTenants: number, overtaking: Overtaking) {
    this.#maxTenants = maxTenants;
    this.#overtaking = overtaking;
    this.newcomers = new TenantLine<Owner>(undefined, overtaking);
    this.waiting = new TenantLine<Owner>(undefined, overtaking);
    this.#blank = new TenantLine<Owner>(undefined, overtaking);
    this.#found = this.#blank;
    this.#served = new KnownNames(SERVED_PER_ACCOUNT * maxTenants);
    this.#unserved = new KnownNames(UNSERVED_PER_ACCOUNT * maxTenants);
  }

  /** Tenants that have an account. */
  get size(): number {
    return this.#active.size + this.#idle.size;
  }

  /** Everything that is kept: accounts, and names. */
  get entries(): number {
    return this.size + this.#served.size + this.#unserved.size;
  }

  /** The account that a ticket of this tenant would stand in, as far as is known; nothing changes. */
  find(tenant: string): TenantLine<Owner> {
    // One decision asks several times.
    if (this.#asked !== tenant) {
      this.#asked = tenant;
      this.#found = this.#lookUp(tenant);
    }
    return this.#found;
  }

  #lookUp(tenant: string): TenantLine<Owner> {
    const key = boundedKey(tenant);
    return this.#active.get(key) ?? this.#idle.get(key) ?? (this.#isDue(key) ? this.#blank : this.#common(key));
  }

  /** The account for a ticket of this tenant, which is in use from now on. */
  activate(tenant: string): TenantLine<Owner> {
    this.#asked = undefined;
    const key = boundedKey(tenant);
    const active = this.#active.get(key);
    if (active !== undefined) return active;
    const idle = this.#idle.get(key);
    if (idle !== undefined) {
      this.#idle.delete(key);
      this.#active.set(key, idle);
      return idle;
    }
    return this.#isDue(key) ? this.#open(key) : this.#common(key);
  }

  /** A ticket of a tenant was served: when it comes again and has no account, it gets one. */
  noteServed(nowMs: number, tenant: string): void {
    if (this.#maxTenants === 0) return;
    this.#asked = undefined;
    const key = boundedKey(tenant);
    this.#unserved.delete(key);
    this.#served.note(nowMs, key);
  }

  /** A tenant without account came and was not served, or not yet: when it comes again, it is no newcomer. */
  noteUnserved(nowMs: number, tenant: string): void {
    const line = this.find(tenant);
    if (line !== this.newcomers && line !== this.waiting) return;
    this.#unserved.note(nowMs, boundedKey(tenant));
    this.#asked = undefined;
  }

  /** An account has neither tickets nor leases any more. */
  rest(nowMs: number, line: TenantLine<Owner>): void {
    line.idleSinceMs = nowMs;
    this.#asked = undefined;
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
    this.waiting.archive(io);
    for (const lines of [this.#active, this.#idle]) {
      archiveMap(io, lines, (key, known) => {
        const line = known ?? new TenantLine<Owner>(key, this.#overtaking);
        line.archive(io);
        return line;
      });
    }
    this.#served.archive(io);
    this.#unserved.archive(io);
  }

  /** Whether a tenant without account gets one with its next ticket: it was served, and there is room. */
  #isDue(key: string): boolean {
    return this.#served.has(key) && (this.size < this.#maxTenants || this.#idle.size > 0);
  }

  /** The account of those who have none. */
  #common(key: string): TenantLine<Owner> {
    return this.#served.has(key) || this.#unserved.has(key) ? this.waiting : this.newcomers;
  }

  /** Opens an account. Where there is no room, the one that is idle longest makes it. */
  #open(key: string): TenantLine<Owner> {
    if (this.size >= this.#maxTenants) {
      const [longest] = this.#idle.keys();
      if (longest !== undefined) this.#idle.delete(longest);
    }
    const own = detached(key);
    this.#served.delete(key);
    const line = new TenantLine<Owner>(own, this.#overtaking);
    this.#active.set(own, line);
    return line;
  }
}
