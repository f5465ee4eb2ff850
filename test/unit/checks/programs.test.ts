import { afterEach, describe, expect, it, vi } from 'vitest';
import { findProgram, locate, missing } from '../../support/programs.js';

afterEach(() => vi.unstubAllEnvs());

describe('programs that tests start', () => {
  it('are found on the search path', () => {
    expect(locate('sh')).toMatch(/\/sh$/);
    expect(locate('no-such-program')).toBeUndefined();
  });

  it('are found where servers live, too', () => {
    vi.stubEnv('PATH', '');
    expect(findProgram('pgbouncer')).toMatch(/\/pgbouncer$/);
  });

  it('are named with the way to get them', () => {
    expect(missing('mariadbd')).toBe(
      '"mariadbd" is missing: install it with "apt install mariadb-server", or on macOS with "brew install mariadb"',
    );
  });
});
