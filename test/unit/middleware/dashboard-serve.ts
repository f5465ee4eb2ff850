import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express5 from 'express';
import { createGateway, type Gateway } from 'sluice';
import { type OperationsOptions, operations, problemHandler, protect } from 'sluice/express';
import { type Clock, systemClock } from '../../../src/clock.js';

/** What a test opened, and has to close. */
export const open: (() => Promise<void>)[] = [];

/** What was warned of in this worker, newest last, and with what codes. */
export const warned: string[] = [];
export const warnedCodes: unknown[] = [];
const logger = {
  debug: () => {},
  info: () => {},
  warn: ({ code }: { readonly code?: unknown }, text: string) => {
    warned.push(text);
    warnedCodes.push(code);
  },
  error: () => {},
};

/** Closes what a test opened. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0)) await close();
}

/** A gateway without a database, with its operations at `/ops`; what fails gets the page of Express without `handler`. */
export async function serve(
  options: OperationsOptions,
  express: typeof express5 = express5,
  handler: boolean = true,
  clock: Clock = systemClock,
): Promise<{ gateway: Gateway; server: Server }> {
  const routes = { checkout: { ratePerSecond: 5, burst: 1, deadlineMs: 500 }, resize: { concurrency: 2 } };
  const gateway = await createGateway({ routes, readinessDelayMs: 0 }, { env: {}, logger, clock });
  const app = express();
  app.use('/ops', operations(gateway, options));
  app.get('/checkout', protect(gateway, 'checkout'), (_req, res) => void res.json({}));
  if (handler) app.use(problemHandler({ catchAll: true }));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => gateway.drain({ server, timeoutMs: 0 }));
  return { gateway, server };
}

/** Reads events of the stream until one of this name came, and gives its data back. */
export async function nextEvent(stream: IncomingMessage, name: string): Promise<unknown> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    const found = new RegExp(`event: ${name}\\ndata: (.*)\\n\\n`).exec(text);
    if (found !== null) return JSON.parse(found[1] ?? '');
  }
  throw new Error(`the stream ended without an event "${name}"`);
}

/** Begins to listen; the stream stays open. */
export async function listen(server: Server): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  const request = get({ port, path: '/ops/events', host: '127.0.0.1', agent: false });
  const [stream] = (await once(request, 'response')) as [IncomingMessage];
  return stream;
}
