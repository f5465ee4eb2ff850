import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hostGauges, ownBytes } from '../../../src/telemetry/host.js';

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

test('reads what processes of one name have to themselves, and no others', () => {
  const proc = mkdtempSync(join(tmpdir(), 'sluice-proc-'));
  onTestFinished(() => rmSync(proc, { recursive: true }));
  const write = (pid: number, name: string, kilobytes: number): void => {
    mkdirSync(join(proc, `${pid}`));
    const lines = [`Name:\t${name}`, 'VmRSS:\t    9000 kB', `RssAnon:\t    ${kilobytes} kB`, 'RssFile:\t    7000 kB'];
    writeFileSync(join(proc, `${pid}`, 'status'), `${lines.join('\n')}\n`);
  };
  write(10, 'postgres', 1_000);
  write(11, 'postgres', 3_000);
  write(12, 'postgresql-exporter', 50_000);
  expect(ownBytes([10, 11, 12, 13], 'postgres', proc)).toBe(2_000 * 1_024);
  expect(ownBytes([12, 13], 'postgres', proc)).toBeUndefined();
});
