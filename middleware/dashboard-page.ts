import { DASHBOARD_SCRIPT } from './dashboard-script.js';

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d9dde3, #33383f); --soft: light-dark(#5a6270, #9aa3b0);
  --good: light-dark(#17713a, #5fce8a); --bad: light-dark(#b3261e, #ff8a80); --bar: light-dark(#3568d4, #7da6ff);
  --ground: light-dark(#ffffff, #15181c); --raised: light-dark(#f4f6f9, #1d2126); }
body { margin: 0; padding: 1.5rem; background: var(--ground); font: 14px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: baseline; }
h1 { font-size: 1.25rem; margin: 0; }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .75rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 500; background: var(--raised); }
th.text, td.text { text-align: left; }
td.shed { white-space: normal; min-width: 14rem; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .soft { color: var(--soft); }
meter { width: 5rem; margin-left: .5rem; vertical-align: middle; accent-color: var(--bar); }
`;

/**
 * The dashboard: one page without any outside part, which reads `snapshot.json` beside it each second.
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
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<header><h1>Sluice</h1><span id="facts" class="soft"></span><span id="status" role="status">loading</span></header>
<h2 id="routes-title">Routes</h2>
<div class="scroll"><table aria-labelledby="routes-title"><thead id="routes-head"></thead><tbody id="routes"></tbody></table></div>
<h2 id="pools-title">Pools</h2>
<div class="scroll"><table aria-labelledby="pools-title"><thead id="pools-head"></thead><tbody id="pools"></tbody></table></div>
<p class="soft">Rates over the last second; response times of requests that had a seat, over the last ten seconds.</p>
<noscript>This page needs JavaScript; snapshot.json beside it has the same figures.</noscript>
<script nonce="${nonce}">${DASHBOARD_SCRIPT}</script>
</body>
</html>
`;
}

/** The `Content-Security-Policy` under which {@link dashboardPage} works: its own two parts, its own origin, no more. */
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
