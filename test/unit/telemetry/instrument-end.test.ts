import { channel } from 'node:diagnostics_channel';
import { createGateway, type Gateway, instrument } from 'sluice';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordingMeter, recordingTracer } from '../../integration/telemetry/recorder.js';

let gateway: Gateway;
beforeEach(async () => {
  gateway = await createGateway({ maxEventLoopLagMs: 0, routes: { work: {} } }, { env: {} });
});
afterEach(() => gateway.drain({ timeoutMs: 0 }));

const heard = (): string[] =>
  ['admission', 'end', 'queued', 'query', 'acquire'].filter((name) => channel(`sluice:${name}`).hasSubscribers);

/** A meter whose gauges cannot be let go of, and one that cannot make them. */
function meterThat(fails: 'lets go' | 'makes'): { meter: RecordingMeter['meter']; removed: string[]; added: string[] } {
  const { meter } = new RecordingMeter();
  const removed: string[] = [];
  const added: string[] = [];
  const of = (broken: boolean) => (name: string) => {
    if (broken && fails === 'makes') throw new Error(`no room for ${name}`);
    return {
      addCallback: () => void added.push(name),
      removeCallback: () => {
        if (broken && fails === 'lets go') throw new Error('shut down');
        removed.push(name);
      },
    };
  };
  const made = { createObservableCounter: of(false), createObservableUpDownCounter: of(true) };
  return { meter: Object.assign(meter, made), removed, added };
}

test('a report ends as a whole, and tells what its meter did not let go of', () => {
  const { meter, removed, added } = meterThat('lets go');
  const end = instrument(gateway, { meter, tracer: recordingTracer().tracer });
  expect(heard()).not.toEqual([]);
  expect(end).toThrow(/^the report has ended, but the meter kept \d+ callbacks: shut down$/);
  expect(heard()).toEqual([]);
  const counters = added.filter((name) => ['sluice.requests', 'db.client.connection.timeouts'].includes(name));
  expect([counters.length, removed]).toEqual([2, counters]);
  // It is over.
  expect(end).not.toThrow();
});

test('a report that cannot begin leaves nothing behind', () => {
  const { meter, removed, added } = meterThat('makes');
  expect(() => instrument(gateway, { meter, tracer: recordingTracer().tracer })).toThrow(/^no room for sluice\./);
  expect(heard()).toEqual([]);
  expect(added.length).toBeGreaterThan(0);
  expect(removed).toEqual(added);
});
