import { expect, it } from 'vitest';
import { CertificateWatch } from '../../../src/pools/certificate-watch.js';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 10);

it.each([
  [30, undefined],
  [29.9, 'ends in 29 days (2026-02-08)'],
  [1.5, 'ends in 1 day (2026-01-11)'],
  [0.5, 'ends within a day (2026-01-10)'],
  [-0.5, 'has ended (2026-01-09)'],
  [Number.NaN, undefined],
])('with %d days left says %s', (days, text) => {
  const told: string[] = [];
  new CertificateWatch((_, message) => told.push(message)).seen(NOW, 'server', NOW + days * DAY_MS);
  expect(told).toEqual(text === undefined ? [] : [`the server's certificate ${text}; replace it before`]);
});

it('says it once a day, of each side', () => {
  const codes: string[] = [];
  const watch = new CertificateWatch((code) => codes.push(code));
  for (let hour = 0; hour < 49; hour += 1) {
    watch.seen(NOW + hour * 3_600_000, 'server', NOW + 9 * DAY_MS);
    if (hour < 2) watch.seen(NOW + hour * 3_600_000, 'client', NOW);
  }
  expect(codes.filter((code) => code === 'database_server_certificate_expires')).toHaveLength(3);
  expect(codes.filter((code) => code === 'database_client_certificate_expires')).toHaveLength(1);
});
