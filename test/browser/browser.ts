import { type Browser, chromium, type Page } from 'playwright-core';
import { findProgram } from '../support/programs.js';

/** A real Chromium that asks nobody but the servers of the test. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findProgram('chromium'),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What went wrong on a page: errors of its script, and whatever its policy forbade. */
export function troublesOf(page: Page): string[] {
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('console', (message) => {
    // A server that is away is told of as an error of the network, and is no mistake of the page.
    if (message.type() === 'error' && !/net::ERR|Failed to load resource/.test(message.text())) {
      troubles.push(message.text());
    }
  });
  return troubles;
}

/** Addresses of another origin that a page asked for. */
export function foreignRequests(page: Page, origin: string): string[] {
  const foreign: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith('data:')) foreign.push(url);
  });
  return foreign;
}

/** Processor time that the browser has used with all its processes, in seconds. */
export async function processorSeconds(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** What the script of a page holds after a collection, and the processor seconds that its thread has used. */
export async function scriptFigures(page: Page): Promise<{ heapMb: number; taskSeconds: number }> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.send('Performance.enable');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  const value = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return { heapMb: value('JSHeapUsedSize') / 1e6, taskSeconds: value('TaskDuration') };
}
