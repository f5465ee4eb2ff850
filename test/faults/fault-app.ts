import { type Bench, type ServeOptions, serve } from '../integration/http/harness.js';
import { type Answers, Invariants } from './invariants.js';

/** What a request was answered with. */
export interface Answer {
  readonly status: number;
  /** The JSON of the answer; an empty object where there is none. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

/** How to {@link send}: a header map, and a body where it is a POST. */
export interface Sending {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** One request, from this process; rejects where no whole answer comes. */
export async function send(port: number, path: string, { headers = {}, body }: Sending = {}): Promise<Answer> {
  const sentAtMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const ms = performance.now() - sentAtMs;
  return { status: response.status, body: text === '' ? {} : JSON.parse(text), ms };
}

/** An application of a few routes, for faults that the work of the shop cannot show, on the real parts. */
export interface FaultApp extends Bench {
  send(path: string, sending?: Sending): Promise<Answer>;
  /** What must hold after every fault: see {@link Invariants.expect}. */
  expectAtRest(): Promise<void>;
}

/** How to {@link startFaultApp}. */
export interface FaultAppOptions extends ServeOptions {
  readonly url: string;
  /** Leads to the server itself, where `url` leads through something that has a fault. Default: `url`. */
  readonly serverUrl?: string;
}

/** {@link serve}, watched as the shop is. */
export async function startFaultApp(options: FaultAppOptions, build: Parameters<typeof serve>[1]): Promise<FaultApp> {
  const { serverUrl = options.url } = options;
  const bench = await serve({ ...options, gateway: { ...options.gateway, applicationName: 'sluice-shop' } }, build);
  const answers: Answers = { sent: 0, unheard: 0 };
  const invariants = new Invariants(bench.gateway, serverUrl, answers);
  return {
    ...bench,
    send: async (path, sending) => {
      answers.sent += 1;
      answers.unheard += 1;
      const answer = await send(bench.port, path, sending);
      answers.unheard -= 1;
      return answer;
    },
    expectAtRest: () => invariants.expect(),
    close: async () => {
      invariants.stop();
      await bench.close();
    },
  };
}
