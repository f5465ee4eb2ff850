/** A program beside Node that tests use. */
export type ProgramName = 'chromium' | 'faketime' | 'haproxy' | 'mariadbd' | 'pgbouncer' | 'redis-server';
/** The path of a program, or `undefined` where this machine has none. */
export function locate(name: string): string | undefined;
/** One line for people: what is missing and how to get it. */
export function missing(name: ProgramName): string;
/** Installs what is missing where this process may: as root, with apt. */
export function installMissing(): void;
