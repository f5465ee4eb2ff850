import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Timer } from '../../src/clock.js';
import type { Gateway } from '../../src/gateway.js';
import { watchAccess } from './access-watch.js';
import { ChartHistory } from './history.js';
import { type RefusalView, refusalsOf } from './refusals.js';
import { type DashboardView, type Taken, viewOf } from './view.js';

/** How often figures are read while somebody looks, and while nobody does: enough for the charts of who comes then. */
const WATCHED_MS = 1_000;
const ALONE_MS = 5_000;
/** How far back durations go. */
const SPREAD_MS = 10_500;
/** Those who look at once at most; each costs an answer that stays open. */
const MOST_WATCHERS = 50;
/** Others that listen for the end of a connection: Node itself and the application. */
const LISTENERS_BESIDE = 10;
/** A watcher that reads slower than this many bytes behind is let go, so that nothing piles up for it. */
const MOST_BEHIND = 1_000_000;
/** How long a browser waits before it comes back. */
const RETRY_MS = 2_000;

/**
 * Reads the figures of a gateway step by step and sends them to those who look, as server-sent events. While nobody
 * looks nothing is sent, and only a point for the charts is kept now and then.
 */
export class DashboardFeed {
  readonly #gateway: Gateway;
  readonly #wallMs: () => number;
  readonly #history: ChartHistory = new ChartHistory();
  readonly #watchers = new Set<ServerResponse>();
  #taken: Taken[] = [];
  #timer: Timer | undefined;
  #refusalsSent = Number.NEGATIVE_INFINITY;

  constructor(gateway: Gateway, wallMs: () => number = Date.now) {
    this.#gateway = gateway;
    this.#wallMs = wallMs;
    gateway.liveChanges.listen(() => this.#broadcast(eventText('change', {})));
    gateway.stopping.addEventListener('abort', () => this.#close(), { once: true });
    this.#step();
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Whether one more may look. */
  get open(): boolean {
    return !this.#gateway.stopping.aborted && this.#watchers.size < MOST_WATCHERS;
  }

  /**
   * Sends events to this answer until it is closed, the history first. Call it while {@link open}.
   *
   * @param mayLook - Asked now and then; the answer ends where it says no. Absent where everybody may.
   */
  attach(req: IncomingMessage, res: ServerResponse, mayLook?: () => Promise<boolean>): void {
    const { socket } = req;
    // Whoever left while it was asked whether he may look would never be heard to leave.
    if (res.closed || socket.destroyed) return;
    res.writeHead(200, {
      'Content-Type': 'text/event-stream',
      // `no-transform`: compression would hold events back until its buffer is full. The same goes for nginx.
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    });
    this.#watchers.add(res);
    const leave = (): void => {
      access?.cancel();
      this.#watchers.delete(res);
      socket.off('close', leave);
    };
    // The page comes back, and hears then that it may not.
    const refuse = (): void => {
      leave();
      res.end();
    };
    const access = mayLook && watchAccess(this.#gateway.clock, mayLook, refuse);
    res.once('close', leave);
    // An answer that waits behind another on its connection does not hear of the end of that. Each of them listens.
    const most = socket.getMaxListeners();
    if (most > 0) socket.setMaxListeners(Math.max(most, MOST_WATCHERS + LISTENERS_BESIDE));
    socket.once('close', leave);
    res.write(`retry: ${RETRY_MS}\n\n`);
    if (this.#watchers.size === 1) this.#step();
    send(res, eventText('history', this.#history.points));
    send(res, eventText('refusals', this.#refusals()));
    const view = viewOf(this.#taken, this.#wallMs());
    if (view !== undefined) send(res, eventText('view', view));
  }

  #step(): void {
    this.#timer?.cancel();
    if (this.#gateway.stopping.aborted) return;
    const view = this.#read();
    if (view !== undefined) this.#tell(view);
    this.#timer = this.#gateway.clock.after(this.#watchers.size > 0 ? WATCHED_MS : ALONE_MS, () => this.#step());
  }

  #read(): DashboardView | undefined {
    const atMs = this.#gateway.clock.nowMs();
    // Who begins to look moments after a step must not make rates of a few milliseconds.
    if (atMs - (this.#taken.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) < WATCHED_MS / 2) return undefined;
    this.#taken.push({ atMs, snapshot: this.#gateway.snapshot() });
    const first = this.#taken.findIndex((taken) => taken.atMs >= atMs - SPREAD_MS);
    this.#taken = this.#taken.slice(Math.max(0, Math.min(first, this.#taken.length - 2)));
    const view = viewOf(this.#taken, this.#wallMs());
    if (view !== undefined) this.#history.add(view);
    return view;
  }

  #tell(view: DashboardView): void {
    if (this.#watchers.size === 0) return;
    this.#broadcast(eventText('view', view));
    const refusals = this.#refusals();
    const newest = refusals[0]?.atMs ?? Number.NEGATIVE_INFINITY;
    if (newest <= this.#refusalsSent) return;
    this.#refusalsSent = newest;
    this.#broadcast(eventText('refusals', refusals));
  }

  #refusals(): RefusalView[] {
    return refusalsOf(this.#gateway.telemetry().routes(), this.#gateway.clock.nowMs(), this.#wallMs());
  }

  #broadcast(text: string): void {
    for (const res of this.#watchers) send(res, text);
  }

  #close(): void {
    this.#timer?.cancel();
    // An answer without end would hold up a server that closes.
    for (const res of this.#watchers) res.end(eventText('leaving', {}));
    this.#watchers.clear();
  }
}

function send(res: ServerResponse, text: string): void {
  if (res.writableLength > MOST_BEHIND) res.destroy();
  else res.write(text);
}

function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
