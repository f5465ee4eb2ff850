import type { StreamPlan } from './plan.js';
import { type Random, seededRandom, seedFor } from './random.js';
import { compileTemplate } from './template.js';

/**
 * Prepares the requests of a stream: everything that stays the same is put together once.
 *
 * @returns A function that gives the next request as latin1 text, the same sequence for the same seed.
 */
export function requestMaker(stream: StreamPlan, port: number, seed: number): () => string {
  const random: Random = seededRandom(seedFor(seed, `${stream.name}/content`));
  const path = compileTemplate(stream.path);
  const lines = [`Host: 127.0.0.1:${port}`];
  for (const [name, value] of Object.entries(stream.headers ?? {})) lines.push(`${name}: ${value}`);
  const named = Object.keys(stream.headers ?? {}).some((name) => name.toLowerCase() === 'content-type');
  if (stream.body !== undefined && !named) lines.push('Content-Type: application/json');
  const headers = compileTemplate(`${lines.join('\r\n')}\r\n`);
  const head = (text: string): string => `${stream.method} ${text} HTTP/1.1\r\n${headers(random)}`;
  if (stream.body === undefined) return () => `${head(path(random))}\r\n`;

  const body = compileTemplate(stream.body);
  return () => {
    const start = head(path(random));
    // Sent as latin1, so that UTF-8 bytes are one character each and the length is the number of bytes.
    const bytes = Buffer.from(body(random), 'utf8').toString('latin1');
    return `${start}Content-Length: ${bytes.length}\r\n\r\n${bytes}`;
  };
}
