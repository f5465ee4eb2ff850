import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redecide } from '../../../../src/cli/replay/redecide.js';
import { readTraffic } from '../../../../src/cli/replay/requests.js';
import { RECORD_BYTES } from '../../../../src/telemetry/decision-log/decision-record.js';
import { decodeLog } from '../../../../src/telemetry/decision-log/log-document.js';
import { PolicyDriver } from './policy-driver.js';

describe('a decision log', () => {
  it('is decided again to the same outcome, whatever was called, from the start', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 600 }), (seed, calls) => {
        const { log } = new PolicyDriver({ seed, calls, records: 10_000 }).run();
        const decoded = decodeLog(log.document('enforce'));
        expect(decoded.first).toBe(0);
        const { difference, matched, decisions } = redecide(decoded);
        expect(difference).toBeUndefined();
        expect(matched).toBe(decisions);
      }),
      { numRuns: 150 },
    );
  });

  it('is decided again to the same outcome from the states at its head, once its beginning is gone', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 900, max: 1_700 }), (seed, calls) => {
        const { log } = new PolicyDriver({ seed, calls, records: 1_024 }).run();
        const decoded = decodeLog(log.document('enforce'));
        fc.pre(decoded.first > 0);
        expect(decoded.checkpoints).toHaveLength(2);
        expect(decoded.count).toBeGreaterThan(1_024 * (7 / 8) - 1);
        const { difference, matched } = redecide(decoded);
        expect(difference).toBeUndefined();
        expect(matched).toBeGreaterThan(300);
        // Who arrived between the first record and the state is in the state.
        const arrivals = readTraffic(decoded).requests.map(({ arrivedAtMs }) => arrivedAtMs);
        expect(new Set(arrivals).size).toBe(arrivals.length);
      }),
      { numRuns: 150 },
    );
  });

  it('has the states at its head also where one turn of the event loop fills segments', () => {
    for (let seed = 0; seed < 40; seed++) {
      const { log } = new PolicyDriver({ seed, calls: 1_500, records: 1_024, turn: 5_000 }).run();
      const decoded = decodeLog(log.document('enforce'));
      expect(decoded.first).toBeGreaterThan(0);
      expect(decoded.checkpoints).toHaveLength(2);
      expect(redecide(decoded).difference).toBeUndefined();
    }
  });

  it('names the first decision that comes out otherwise', () => {
    const { log } = new PolicyDriver({ seed: 3, calls: 800, records: 10_000 }).run();
    const decoded = decodeLog(log.document('enforce'));
    const arrival = Array.from({ length: decoded.count }, (_, place) => decoded.records.read(place)).findIndex(
      ({ kind, decision }, place) => place > 100 && kind === 'arrive' && decision === 1,
    );
    const word = (arrival * RECORD_BYTES) / 4 + 8;
    // Queued instead of leased.
    decoded.records.words[word] = (decoded.records.words[word] ?? 0) & ~(31 << 7);
    const { difference, matched, decisions } = redecide(decoded);
    expect(difference).toMatchObject({ record: arrival, decision: 1, logged: { kind: 'arrive', decision: 0 } });
    expect(matched).toBeLessThan(decisions);
  });

  it('keeps no key of a caller or a tenant', () => {
    const { log } = new PolicyDriver({ seed: 5, calls: 2_000, records: 1_024 }).run();
    const text = Buffer.from(log.document('enforce')).toString('latin1');
    expect(text).toContain('"name":"route0"');
    expect(text).not.toContain('tenant 1');
    expect(Buffer.from(log.document('enforce')).toString('utf16le')).not.toContain('tenant');
    expect(text).not.toContain('somebody');
  });
});
