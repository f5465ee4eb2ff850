import type { LoadPlan, LoadResult, NoAnswer, StreamPlan } from './plan.js';
import { requestMaker } from './request-text.js';
import type { Answer } from './response-reader.js';
import { ArrivalSchedule, type ArrivalStream } from './schedule.js';
import { type Exchange, SocketPool } from './socket-pool.js';
import { Tally } from './tally.js';
import { validatePlan } from './validate-plan.js';

interface Call extends Exchange {
  readonly intendedMs: number;
  /** How often this request was sent before. */
  readonly attempt: number;
  ended: boolean;
}

interface Stream {
  readonly plan: StreamPlan;
  readonly tally: Tally;
  readonly nextRequest: () => string;
  /** Calls on their way, oldest first; ended ones leave when they reach the front. */
  readonly calls: Call[];
  front: number;
}

const TICK_MS = 1;
const SWEEP_EVERY_MS = 250;
/** A closed-loop caller that could not reach the server tries again after so long, rather than in a tight circle. */
const RETRY_AFTER_MS = 10;

/**
 * Runs a plan in this process and gives the figures back. Use {@link startLoad} to run it in a process of its own:
 * a generator that shares an event loop with anything else measures its own stalls.
 *
 * @param signal - Ends it without a result.
 * @param ending - Once it resolves nothing more is sent; what is on its way is waited for, and counts.
 * @throws RangeError when the plan is not bounded or makes no sense; the signal's reason when it is aborted.
 */
export function runPlan(plan: LoadPlan, signal?: AbortSignal, ending?: Promise<unknown>): Promise<LoadResult> {
  validatePlan(plan);
  return new Promise((resolve, reject) => {
    const run = new Run(plan, resolve);
    signal?.addEventListener('abort', () => {
      run.stop();
      reject(signal.reason);
    });
    void ending?.then(() => run.endNow());
    if (signal?.aborted === true) reject(signal.reason);
    else run.start();
  });
}

class Run {
  readonly #plan: LoadPlan;
  readonly #done: (result: LoadResult) => void;
  readonly #pool: SocketPool;
  readonly #streams: Stream[];
  readonly #open: Stream[];
  readonly #schedule: ArrivalSchedule;
  #sendUntilMs: number;
  readonly #windowSeconds: number;
  readonly #originMs = performance.now();
  readonly #startedAtEpochMs = Date.now();
  readonly #cpu = process.cpuUsage();
  #sent = 0;
  #stopped = false;
  #sweptAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(plan: LoadPlan, done: (result: LoadResult) => void) {
    this.#plan = plan;
    this.#done = done;
    this.#pool = new SocketPool(plan.port, plan.maxSockets ?? 4_000);
    const window = { fromMs: plan.warmUpMs, toMs: plan.warmUpMs + plan.measureMs };
    this.#windowSeconds = plan.measureMs / 1_000;
    this.#sendUntilMs = window.toMs + plan.coolDownMs;
    this.#streams = plan.streams.map((stream) => ({
      plan: stream,
      tally: new Tally(stream, window),
      nextRequest: requestMaker(stream, plan.port, plan.seed),
      calls: [],
      front: 0,
    }));
    this.#open = this.#streams.filter((stream) => stream.plan.arrivals.kind !== 'closed');
    this.#schedule = new ArrivalSchedule(
      this.#open.map((stream) => arrivalsOf(stream.plan)),
      plan.seed,
    );
  }

  start(): void {
    for (const stream of this.#streams) {
      const { arrivals } = stream.plan;
      const callers = arrivals.kind === 'closed' ? arrivals.callers : 0;
      for (let caller = 0; caller < callers; caller += 1) this.#send(stream, this.#nowMs());
    }
    this.#tick();
  }

  /** Sends nothing more. */
  endNow(): void {
    this.#sendUntilMs = Math.min(this.#sendUntilMs, this.#nowMs());
  }

  /** Ends the run without a result. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#pool.close();
  }

  #nowMs(): number {
    return performance.now() - this.#originMs;
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    while (this.#schedule.peekMs() <= Math.min(nowMs, this.#sendUntilMs)) {
      const arrival = this.#schedule.take();
      const stream = arrival === undefined ? undefined : this.#open[arrival.stream];
      if (arrival === undefined || stream === undefined) break;
      this.#send(stream, arrival.atMs);
    }
    for (const stream of this.#streams) this.#hangUp(stream, nowMs);
    if (nowMs - this.#sweptAtMs >= SWEEP_EVERY_MS) {
      this.#sweptAtMs = nowMs;
      this.#pool.sweep(performance.now());
    }
    if (nowMs > this.#sendUntilMs && this.#streams.every((stream) => stream.front === stream.calls.length)) {
      this.#finish(nowMs);
    } else {
      this.#timer = setTimeout(() => this.#tick(), TICK_MS);
    }
  }

  #send(stream: Stream, intendedMs: number, request: string = stream.nextRequest(), attempt = 0): void {
    if (this.#sent >= (this.#plan.maxRequests ?? 1_000_000)) return;
    this.#sent += 1;
    const { tally } = stream;
    tally.offered(intendedMs, attempt > 0);
    const call: Call = {
      intendedMs,
      attempt,
      ended: false,
      request,
      onSent: () => tally.sent(intendedMs, this.#nowMs()),
      onAnswer: (answer) => {
        const nowMs = this.#nowMs();
        call.ended = true;
        tally.answered(intendedMs, nowMs, answer.status, answer.code, answer);
        if (stream.plan.arrivals.kind === 'closed') this.#again(stream, nowMs);
        else this.#retry(stream, call, answer);
      },
      onFailure: (why) => this.#failed(stream, call, why),
    };
    stream.calls.push(call);
    this.#pool.send(call);
  }

  /** What a refused caller does, where the plan has it come back. */
  #retry(stream: Stream, call: Call, { status, retryAfterSeconds = 0 }: Answer): void {
    const { retries } = stream.plan;
    if (retries === undefined || call.attempt >= retries.times || (status !== 429 && status !== 503)) return;
    const again = (): void => {
      const nowMs = this.#nowMs();
      if (!this.#stopped && nowMs <= this.#sendUntilMs) this.#send(stream, nowMs, call.request, call.attempt + 1);
    };
    // Not in this turn: the socket is still busy with the answer.
    if (retries.when === 'at-once') setImmediate(again);
    else setTimeout(again, retryAfterSeconds * 1_000).unref();
  }

  #failed(stream: Stream, call: Call, why: NoAnswer): void {
    call.ended = true;
    stream.tally.unanswered(call.intendedMs, this.#nowMs(), why);
    if (stream.plan.arrivals.kind !== 'closed') return;
    setTimeout(() => this.#again(stream, this.#nowMs()), RETRY_AFTER_MS);
  }

  #again(stream: Stream, nowMs: number): void {
    if (nowMs <= this.#sendUntilMs) this.#send(stream, nowMs);
  }

  /** Gives up what waited too long; the calls of a stream expire in the order in which they were made. */
  #hangUp(stream: Stream, nowMs: number): void {
    const dueMs = nowMs - stream.plan.unansweredAfterMs;
    for (let call = stream.calls[stream.front]; call !== undefined; call = stream.calls[stream.front]) {
      if (!call.ended) {
        if (call.intendedMs > dueMs) break;
        this.#pool.giveUp(call);
        this.#failed(stream, call, 'timeout');
      }
      stream.front += 1;
    }
    // Forget the ended ones now and then, so that a long run keeps only what is on its way.
    if (stream.front >= 4_096) {
      stream.calls.splice(0, stream.front);
      stream.front = 0;
    }
  }

  #finish(nowMs: number): void {
    this.stop();
    const { user, system } = process.cpuUsage(this.#cpu);
    const { opened, mostAtOnce } = this.#pool.counts;
    this.#done({
      startedAtEpochMs: this.#startedAtEpochMs,
      windowSeconds: this.#windowSeconds,
      streams: this.#streams.map((stream) => stream.tally.result()),
      generatorCpu: (user + system) / 1_000 / nowMs,
      socketsOpened: opened,
      socketsAtOnce: mostAtOnce,
    });
  }
}

function arrivalsOf(plan: StreamPlan): ArrivalStream {
  if (plan.arrivals.kind === 'closed') throw new TypeError(`stream "${plan.name}" is a closed loop`);
  return { name: plan.name, ...plan.arrivals };
}
