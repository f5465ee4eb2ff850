import { SCRIPT_CHARTS } from './script-charts.js';
import { SCRIPT_CONFIG } from './script-config.js';
import { SCRIPT_LIVE } from './script-live.js';
import { SCRIPT_TABLES } from './script-tables.js';
import { SCRIPT_TEXT } from './script-text.js';
import { DASHBOARD_STYLE } from './style.js';

/** The page asks beside itself, whatever a proxy in front makes of the path. */
const BASE = `
const NONCE = document.currentScript.nonce;
const BASE = location.pathname + (location.pathname.endsWith('/') ? '' : '/');
`;

const SCRIPT = `'use strict';
(() => {${[BASE, SCRIPT_TEXT, SCRIPT_TABLES, SCRIPT_CHARTS, SCRIPT_CONFIG, SCRIPT_LIVE].join('')}})();
`;

/**
 * The dashboard: one page whose parts all come from beside it.
 *
 * @param nonce - Letters, digits and `+ / = - _`, new for each answer; the same goes into {@link dashboardPolicy}.
 * @throws RangeError for a nonce with other characters.
 */
export function dashboardPage(nonce: string): string {
  checkNonce(nonce);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${DASHBOARD_STYLE}</style>
</head>
<body>
<a class="skip" href="#routes-title">To the routes</a>
<header><h1>Sluice</h1><span id="facts" class="soft"></span><span id="status" role="status">loading</span>
<span class="grow"></span><button id="hold" type="button" aria-pressed="false">Hold</button>
<button id="theme" type="button">Theme</button></header>
<main>
<h2>Pools</h2>
<div id="pools" class="cards"></div>
${table('routes', 'Routes')}
<p class="soft">Rates over the last second. Durations over the last ten seconds, within 5 %: p50 · p95 · p99; time left at dispatch:
of half of the requests, of the one in twenty with the least. Left before their seat: clients that went away, and requests
whose body could not be read.</p>
<h2>Last ten minutes</h2>
<div id="charts" class="charts"></div>
${table('refusals', 'Last refusals')}
<p id="no-refusals" class="soft">None.</p>
<h2>Configuration</h2>
<details id="config-box"><summary>Effective values and where they come from</summary>
<p><label>Show only what contains <input id="config-filter" type="search" autocomplete="off"></label>
<span id="change-result" role="status"></span></p>
<div class="scroll" tabindex="0" role="region" aria-label="Configuration"><table><thead id="config-head"></thead><tbody id="config"></tbody></table></div>
<p id="changes-closed" class="soft"></p>
<div id="changes-box" hidden>${table('changes', 'Changes since the start')}</div>
</details>
</main>
<noscript>This page needs JavaScript; snapshot.json beside it has the same figures.</noscript>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>
`;
}

/** A table that can be scrolled with the keyboard where it is wider than the screen. */
function table(id: string, title: string): string {
  return `<h2 id="${id}-title">${title}</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-title"><table aria-labelledby="${id}-title">
<thead id="${id}-head"></thead><tbody id="${id}"></tbody></table></div>`;
}

/** The `Content-Security-Policy` under which {@link dashboardPage} works: its own parts, its own origin, no more. */
export function dashboardPolicy(nonce: string): string {
  checkNonce(nonce);
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function checkNonce(nonce: string): void {
  if (!/^[A-Za-z0-9+/=_-]+$/.test(nonce)) {
    throw new RangeError('the nonce has characters that a nonce cannot have: use base64');
  }
}
