import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../../src/errors.js';
import { LOG_CODES } from '../../../src/telemetry/log-codes.js';
import { REFUSAL_CODES } from '../../../src/telemetry/refusal-codes.js';
import { loggedCodes } from '../../support/logged-codes.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const { codes, unknown } = loggedCodes(ROOT, ['src', 'middleware'], ['src/cli/', 'src/telemetry/log']);

/** `breaker_*` stands for every listed code of that form. */
const listed = (pattern: string): string[] => {
  const form = new RegExp(`^${pattern.replaceAll('*', '[a-z]+')}$`);
  return Object.keys(LOG_CODES).filter((code) => form.test(code));
};

describe('codes of the log', () => {
  it('are all in the list, with the level at which they are logged', () => {
    expect(codes.length).toBeGreaterThan(30);
    for (const { code, level, where } of codes) {
      expect([where, code, listed(code).length > 0]).toEqual([where, code, true]);
      for (const each of listed(code)) expect([where, each, LOG_CODES[each]?.level]).toEqual([where, each, level]);
    }
  });

  it('can be read where they are logged', () => {
    expect(unknown).toEqual([]);
  });

  it('are all logged somewhere', () => {
    const logged = new Set(codes.flatMap(({ code }) => listed(code)));
    expect(Object.keys(LOG_CODES).filter((code) => !logged.has(code))).toEqual([]);
  });

  it('stand in the guide', async () => {
    const rows = Object.entries(LOG_CODES).map(([code, { level, means, helps }]) => [
      `\`${code}\``,
      level,
      means,
      helps,
    ]);
    await expectInGuide('log-codes.md', ['Code', 'Level', 'What it means', 'What helps'], rows);
  });
});

describe('codes of refusals', () => {
  it('stand in the guide, in the order of the code', async () => {
    expect(Object.keys(REFUSAL_CODES)).toEqual([...ERROR_CODES]);
    const rows = ERROR_CODES.map((code) => {
      const { status, when, helps } = REFUSAL_CODES[code];
      return [`\`${code}\``, status, when, helps];
    });
    await expectInGuide('explanations.md', ['Code', 'Status', 'When', 'What helps the operator'], rows);
  });
});

/** The guide has the table between its markers; `npx vitest run -u` puts it there. */
async function expectInGuide(name: string, head: string[], rows: string[][]): Promise<void> {
  const path = `${ROOT}examples/guides/${name}`;
  const text = readFileSync(path, 'utf8');
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const table = [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
  const [before = '', rest = ''] = text.split('<!-- codes:start -->');
  const after = rest.split('<!-- codes:end -->')[1];
  expect(after, `${name} has the markers codes:start and codes:end`).toBeDefined();
  const wanted = `${before}<!-- codes:start -->\n\n${table}\n\n<!-- codes:end -->${after}`;
  await expect(wanted).toMatchFileSnapshot(path);
}
