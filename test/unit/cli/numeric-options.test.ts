import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Folder } from '../../support/captured.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const HUGE = '9'.repeat(40);
/** What no count of anything is, written as numbers are and as they are not. */
const SENSELESS = [
  '-1',
  '-0.5',
  HUGE,
  '9'.repeat(400),
  'NaN',
  'Infinity',
  '1e40',
  '1e',
  'e3',
  '1e-3',
  '0x10',
  '1_000',
  '1,5',
  ' 7',
];
const FRACTION = '2.5';

/** The options of each command that take a number, with what no value of them is beside what is senseless anyway. */
const OPTIONS: readonly [command: readonly string[], option: string, more: readonly string[]][] = [
  [['size'], '--concurrent-requests', ['0']],
  [['size'], '--operations-per-request', ['0']],
  [['size'], '--safety-factor', ['0', '0.99']],
  [['size'], '--server-cores', ['0']],
  [['size'], '--instances', ['0', FRACTION]],
  [['size'], '--budget-share', ['0', '0.5']],
  [['pgbouncer', '-c', 'gateway.json'], '--max-connections', ['0', FRACTION]],
  [['pgbouncer', '-c', 'gateway.json'], '--superuser-reserved', [FRACTION]],
  [['pgbouncer', '-c', 'gateway.json'], '--port', ['0', '65536', FRACTION]],
  [['top', 'http://127.0.0.1:1/'], '--interval-ms', ['0', '99', FRACTION]],
  [['top', 'http://127.0.0.1:1/'], '--count', ['0', FRACTION]],
  [['simulate', '-l', 'absent.json'], '--seed', ['4294967296', FRACTION]],
  [['replay', 'absent.log'], '--seed', ['4294967296', FRACTION]],
];

const NEEDED = ['--concurrent-requests', '150', '--operations-per-request', '0.3'];

/** The call of a command with nothing wrong but what is tried. */
function callWith(command: readonly string[], option: string, value: string): string[] {
  const needed = NEEDED.flatMap((text, at) => (at % 2 === 0 && text !== option ? [text, NEEDED[at + 1] ?? ''] : []));
  return [...command, ...(command[0] === 'size' ? needed : []), `${option}=${value}`];
}

const POOL = { url: 'postgres://app@db/shop', max: 6 };
const writeGateway = (more: object = {}): string =>
  folder.write('gateway.json', { pools: { shop: POOL }, routes: { a: { pool: 'shop' } }, ...more });

describe('a number that cannot be meant', () => {
  it.each(OPTIONS)('%j %s is refused by the name that one types', async (command, option, more) => {
    writeGateway();
    for (const value of [...SENSELESS, ...more]) {
      const { code, out, err } = await folder.call(callWith(command, option, value));
      expect([value, code, out]).toEqual([value, 2, '']);
      expect(err).toMatch(new RegExp(`^sluice: ${option} is \\S.*: (?:give|use) `));
      // The name of a field is nothing that anybody could type.
      expect(err).not.toMatch(/\b[a-z]+[A-Z]\w*/);
    }
  });
});

describe('a number beyond its range', () => {
  it.each(['1e9', '1E9', '1e+9', '1000000000'])('is told its range, as %s too', async (value) => {
    const { code, err } = await folder.call(callWith(['size'], '--concurrent-requests', value));
    expect(code).toBe(2);
    expect(err).toMatch(/^sluice: --concurrent-requests is 1000000000: give .* at most 1000000$/m);
  });

  it('is none as 1e3, where that is within', async () => {
    const call = async (value: string) => (await folder.call(callWith(['size'], '--concurrent-requests', value))).out;
    expect(await call('1e3')).toBe(await call('1000'));
  });
});

describe('sluice pgbouncer', () => {
  const call = (...args: string[]): ReturnType<Folder['call']> =>
    folder.call(['pgbouncer', '-c', 'gateway.json', ...args]);

  it.each<[args: string[], err: RegExp]>([
    [
      ['--superuser-reserved', '300'],
      /^sluice: --superuser-reserved is 300, and --max-connections is 100, its default: the first has to be the smaller one; give both/,
    ],
    [
      ['--max-connections', '3'],
      /^sluice: --superuser-reserved is 3, its default, and --max-connections is 3: the first/,
    ],
    [
      ['--max-connections', '20', '--superuser-reserved', '20'],
      /^sluice: --superuser-reserved is 20, and --max-connections is 20: the first/,
    ],
  ])('refuses %j, which leave nobody a connection', async (args, err) => {
    writeGateway();
    expect(await call(...args)).toEqual({ code: 2, out: '', err: expect.stringMatching(err) });
  });

  it('tells of no fewer connections than none', async () => {
    writeGateway({ pools: { shop: POOL, jobs: { ...POOL, admin: true, max: 40 } }, budgetReserve: 0.14 });
    const { code, err } = await call('--max-connections', '20', '--superuser-reserved', '0');
    expect(code).toBe(1);
    expect(err).toMatch(
      /use 6 connections at once in 1 instance, and the server has 0 for them \(max_connections 20 - 0 for superusers - the reserve of 14 % - 40 that bypass/,
    );
  });
});
