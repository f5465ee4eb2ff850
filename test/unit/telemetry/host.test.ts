import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hostGauges } from '../../../src/telemetry/host.js';

test('reads what Linux writes into /proc', () => {
  const proc = mkdtempSync(join(tmpdir(), 'sluice-proc-'));
  onTestFinished(() => rmSync(proc, { recursive: true }));
  mkdirSync(join(proc, 'net'));
  mkdirSync(join(proc, 'self', 'fd'), { recursive: true });
  writeFileSync(join(proc, 'stat'), 'cpu  10 20 30\nintr 999 1 2\nctxt 123456789\nbtime 1\n');
  const sockets = ['sockets: used 280', 'TCP: inuse 12 orphan 0 tw 37 alloc 15 mem 3', 'TCP6: inuse 4'];
  writeFileSync(join(proc, 'net', 'sockstat'), `${sockets.join('\n')}\n`);
  for (const fd of ['0', '1', '2', '17']) writeFileSync(join(proc, 'self', 'fd', fd), '');
  expect(hostGauges(proc)).toEqual({ contextSwitches: 123_456_789, socketsInTimeWait: 37, openDescriptors: 4 });
});

test('tells nothing where there is no /proc', () => {
  const nothing = { contextSwitches: undefined, socketsInTimeWait: undefined, openDescriptors: undefined };
  expect(hostGauges('/nowhere/at/all')).toEqual(nothing);
});
