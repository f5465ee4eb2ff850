import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { layOutMariadb } from '../../support/mariadb-server.js';

const PATH = process.env.PATH ?? '';
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-install-'));
  process.env.PATH = `${folder}:${PATH}`;
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true });
});

/** Stands in front of the program that lays out data: fails so often, and leaves something behind. */
function failing(times: number): void {
  const path = join(folder, 'mariadb-install-db');
  const script = `#!/bin/sh
runs=$(ls "${folder}" | grep -c '^run')
: > "${folder}/run$runs"
if [ "$runs" -lt ${times} ]; then
  for each in "$@"; do case "$each" in --datadir=*) mkdir "\${each#--datadir=}" || exit 9 ;; esac; done
  echo 'FATAL: out of something' >&2
  exit 1
fi
PATH="\${PATH#*:}" exec mariadb-install-db "$@"
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}

const runs = (): number => readdirSync(folder).filter((name) => name.startsWith('run')).length;

it('lays out its data again where that failed once', async () => {
  failing(1);
  const data = await layOutMariadb();
  expect(runs()).toBe(2);
  expect(existsSync(join(data, 'ibdata1'))).toBe(true);
});

it('tells what was said where it fails twice', async () => {
  failing(2);
  await expect(layOutMariadb()).rejects.toThrow(
    /^mariadb-install-db ended with code 1: FATAL: out of something; and before that: .* code 1: FATAL: out of something$/,
  );
  expect(runs()).toBe(2);
});
