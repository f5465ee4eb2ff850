import type { ChildProcess } from 'node:child_process';
import type { Worker } from 'node:cluster';

/** A connection as the primary has it from its port. */
interface Handle {
  close(): void;
}

type Send = (message: unknown, handle?: unknown, ...rest: unknown[]) => boolean;

/**
 * Connections that the primary is handing to a worker, until the worker says that it has them. Node closes the
 * primary's side of one only then: if the worker dies before, its client would wait for ever. What the worker may have
 * read of it already is not known, so such a connection is ended and goes to nobody else.
 */
export class HandedOver {
  readonly #underWay = new Map<Handle, Worker>();

  /** Connections under way. */
  get size(): number {
    return this.#underWay.size;
  }

  /** Watches what a worker is given, and ends what it did not take when it dies. Right after its fork. */
  watch(worker: Worker): void {
    const { process } = worker;
    const send: Send = process.send.bind(process) as Send;
    const watched: Send = (message, handle, ...rest) => {
      if (isConnection(message, handle)) this.#note(handle, worker);
      return send(message, handle, ...rest);
    };
    process.send = watched as ChildProcess['send'];
    worker.once('exit', () => this.#end(worker));
  }

  #note(handle: Handle, worker: Worker): void {
    // One that a worker did not want is handed to another.
    if (!this.#underWay.has(handle)) {
      const close = handle.close.bind(handle);
      handle.close = () => {
        this.#underWay.delete(handle);
        close();
      };
    }
    this.#underWay.set(handle, worker);
  }

  #end(worker: Worker): void {
    for (const [handle, holder] of this.#underWay) if (holder === worker) handle.close();
  }
}

/** What Node's cluster sends with a connection. */
function isConnection(message: unknown, handle: unknown): handle is Handle {
  const { act } = (message ?? {}) as { act?: unknown };
  return act === 'newconn' && typeof (handle as Partial<Handle> | undefined)?.close === 'function';
}
