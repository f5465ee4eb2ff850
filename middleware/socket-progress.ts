import type { Socket } from 'node:net';

/**
 * Bytes that the system has taken of what was written to a connection, where more are waiting; `undefined` where
 * nothing waits. It grows as long as the other side reads.
 */
export function takenBytes(socket: Socket): number | undefined {
  const { writableLength, bytesWritten, destroyed } = socket;
  if (destroyed || writableLength === 0) return undefined;
  return bytesWritten - writableLength - unsentOfWrite(socket);
}

/**
 * What is left of the one write that is under way. Node's documented figures count a write as whole until its end, so
 * that a large answer on a slow line would look like one that nobody reads; this is where Node's own socket timeout
 * looks. 0 where it does not tell, and the bound is then one for each write.
 */
function unsentOfWrite(socket: Socket & { readonly _handle?: unknown }): number {
  const handle = socket._handle;
  if (typeof handle !== 'object' || handle === null || !('writeQueueSize' in handle)) return 0;
  return typeof handle.writeQueueSize === 'number' ? handle.writeQueueSize : 0;
}

/** Ends a connection at once: after an ordered end the system would go on offering what it has to a client that is gone. */
export function endUnread(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // Neither TLS nor a local socket can be reset.
    socket.destroy();
  }
}
