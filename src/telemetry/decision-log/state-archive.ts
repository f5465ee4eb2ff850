import type { Archive } from '../../core/archive.js';
import { keyName } from './decision-record.js';
import type { KeyHash } from './key-hash.js';

const NOBODY = -1;

/** Writes a state as numbers; keys are hashed, so that no name of a caller is kept. */
export class StateWriter implements Archive {
  readonly loading = false;
  readonly #hash: KeyHash;
  readonly #known = new Map<object, number>();
  #values: Float64Array = new Float64Array(1_024);
  #count = 0;

  constructor(hash: KeyHash) {
    this.#hash = hash;
  }

  /** What was written. */
  get state(): Float64Array {
    return this.#values.slice(0, this.#count);
  }

  number(value: number): number {
    if (this.#count === this.#values.length) this.#grow(1);
    this.#values[this.#count++] = value;
    return value;
  }

  optional(value: number | undefined): number | undefined {
    this.flag(value !== undefined);
    if (value !== undefined) this.number(value);
    return value;
  }

  flag(value: boolean): boolean {
    this.number(value ? 1 : 0);
    return value;
  }

  key(value: string): string {
    this.#hash.of(value);
    this.number(this.#hash.high);
    this.number(this.#hash.low);
    return value;
  }

  numbers(values: number[] | Float64Array): void {
    if (this.#count + values.length > this.#values.length) this.#grow(values.length);
    this.#values.set(values, this.#count);
    this.#count += values.length;
  }

  flags(values: boolean[]): void {
    for (const value of values) this.flag(value);
  }

  define(object: object): void {
    this.#known.set(object, this.#known.size);
  }

  refer<T extends object>(object: T | undefined): T | undefined {
    const place = object === undefined ? NOBODY : (this.#known.get(object) ?? NOBODY);
    this.number(place);
    return place === NOBODY ? undefined : object;
  }

  #grow(by: number): void {
    const values = new Float64Array(Math.max(this.#values.length * 2, this.#count + by));
    values.set(this.#values);
    this.#values = values;
  }
}

/** Reads what a {@link StateWriter} wrote into fresh objects. */
export class StateReader implements Archive {
  readonly loading = true;
  readonly #values: Float64Array;
  readonly #known: object[] = [];
  #next = 0;

  constructor(state: Float64Array) {
    this.#values = state;
  }

  /** Numbers that nobody has asked for. */
  get left(): number {
    return this.#values.length - this.#next;
  }

  /** @throws RangeError when the state ends before the object that is read does. */
  number(_value: number): number {
    const value = this.#values[this.#next++];
    if (value === undefined) throw new RangeError('the state ends too early for the settings that are beside it');
    return value;
  }

  optional(_value: number | undefined): number | undefined {
    return this.flag(false) ? this.number(0) : undefined;
  }

  flag(_value: boolean): boolean {
    return this.number(0) === 1;
  }

  key(_value: string): string {
    return keyName(this.number(0), this.number(0)) ?? '';
  }

  numbers(values: number[] | Float64Array): void {
    for (let place = 0; place < values.length; place++) values[place] = this.number(0);
  }

  flags(values: boolean[]): void {
    for (let place = 0; place < values.length; place++) values[place] = this.flag(false);
  }

  define(object: object): void {
    this.#known.push(object);
  }

  refer<T extends object>(_object: T | undefined): T | undefined {
    // The writer named an object of the same class at this very place.
    return this.#known[this.number(0)] as T | undefined;
  }
}
