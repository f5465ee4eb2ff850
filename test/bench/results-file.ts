import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { SectionResult } from './section.js';

/** The machine that the figures come from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly platform: string;
  readonly node: string;
}

/** A section's result with the circumstances of its run. */
export interface StoredSection extends SectionResult {
  /** Date and time (UTC) at which it ended. */
  readonly takenAt: string;
  readonly seed: number;
  readonly machine: Machine;
}

/** What `latest.json` holds. */
export interface ResultsFile {
  readonly version: 1;
  readonly sections: Readonly<Record<string, StoredSection>>;
}

/** The machine this process runs on. */
export function thisMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

/** Stores one section, beside those that earlier runs left. */
export async function storeSection(folder: string, name: string, section: StoredSection): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'latest.json');
  const before = await readFile(file, 'utf8').catch(() => undefined);
  const sections = before === undefined ? {} : (JSON.parse(before) as ResultsFile).sections;
  const after: ResultsFile = { version: 1, sections: { ...sections, [name]: section } };
  await writeFile(file, `${JSON.stringify(after, shorten, 1)}\n`);
}

/** Five significant digits are more than these measurements are worth, and keep changes of the file readable. */
function shorten(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
