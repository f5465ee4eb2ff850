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
