import type { Agenda } from './agenda.js';
import type { Call, Ending } from './call.js';
import { draw } from './distribution.js';
import { LockLine } from './lock-line.js';
import type { Lock } from './scenario.js';

/** Told when a call needs its seat no longer; the answer may have been complete before. */
type OnDone = (nowMs: number, call: Call, ending: Ending, cutShort: boolean, answeredAtMs: number) => void;

/** The database of a simulation: work takes its time, alone or in line for a lock, and is cut short or not. */
export class DatabaseWork {
  readonly #cancelAtDeadline: boolean;
  readonly #agenda: Agenda;
  readonly #onDone: OnDone;
  readonly #locks = new Map<string, LockLine>();

  constructor(cancelAtDeadline: boolean, agenda: Agenda, onDone: OnDone) {
    this.#cancelAtDeadline = cancelAtDeadline;
    this.#agenda = agenda;
    this.#onDone = onDone;
  }

  /** A call has its seat. */
  begin(nowMs: number, call: Call): void {
    const { deadlineAtMs } = call.ticket;
    const { lock } = call.source.stream;
    const workedAtMs = nowMs + call.serviceMs * slowness(nowMs, call);
    if (lock !== undefined && this.#cancelAtDeadline && workedAtMs <= deadlineAtMs) this.#cancelLater(call);
    this.#work(nowMs, workedAtMs, call, (now) => this.#worked(now, call, lock));
  }

  /** A call is over: a lock that it held goes to the next in line. */
  freeLock(nowMs: number, call: Call): void {
    const { lock } = call.source.stream;
    const next = lock === undefined ? undefined : this.#lineOf(lock).leave(call);
    if (next?.source.stream.lock !== undefined) this.#hold(nowMs, next, next.source.stream.lock);
  }

  /** A call works from one instant to another: longer where nothing moves meanwhile, and no longer than its deadline. */
  #work(fromMs: number, untilMs: number, call: Call, then: (nowMs: number) => void, heldUpMs: number = 0): void {
    const endMs = untilMs + heldUpMs;
    if (this.#cancelAtDeadline && endMs > call.ticket.deadlineAtMs) return this.#cancelLater(call);
    this.#agenda.input(endMs, (now) => {
      if (call.ended) return;
      // It is put off as often as it stands still once more before its end.
      const heldMs = call.route.pool?.troubles.heldUpMs(fromMs, endMs) ?? 0;
      if (heldMs > heldUpMs) this.#work(fromMs, untilMs, call, then, heldMs);
      else then(now);
    });
  }

  #cancelLater(call: Call): void {
    this.#agenda.timer(call.ticket.deadlineAtMs, (now) => {
      if (!call.ended && !call.streams) this.#onDone(now, call, 'late', true, now);
    });
  }

  #worked(nowMs: number, call: Call, lock: Lock | undefined): void {
    if (lock === undefined) this.#answer(nowMs, call);
    else if (this.#lineOf(lock).ask(call)) this.#hold(nowMs, call, lock);
  }

  #hold(nowMs: number, call: Call, lock: Lock): void {
    const contention = 1 + lock.costPerWaiter * this.#lineOf(lock).waiting;
    const holdMs = draw(lock.hold, call.source.lockRandom) * contention * slowness(nowMs, call);
    this.#work(nowMs, nowMs + holdMs, call, (now) => this.#answer(now, call));
  }

  /** The answer is complete, or a streamed one begins, which has met its deadline with that. */
  #answer(nowMs: number, call: Call): void {
    const { reading } = call.source.stream;
    const ending = nowMs <= call.ticket.deadlineAtMs ? 'good' : 'late';
    if (reading?.holdsSeat !== true) return this.#onDone(nowMs, call, ending, false, nowMs);
    const readAtMs = nowMs + draw(reading.time, call.source.retryRandom);
    call.streams = true;
    this.freeLock(nowMs, call);
    this.#agenda.input(readAtMs, (now) => {
      if (!call.ended) this.#onDone(now, call, ending, false, nowMs);
    });
  }

  #lineOf({ name }: Lock): LockLine {
    let line = this.#locks.get(name);
    if (line === undefined) {
      line = new LockLine();
      this.#locks.set(name, line);
    }
    return line;
  }
}

function slowness(nowMs: number, { route }: Call): number {
  return route.pool?.troubles.slowness(nowMs) ?? 1;
}
