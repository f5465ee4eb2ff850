/**
 * How the dashboard looks. The colours of the series are those that Okabe and Ito chose for people who see colours
 * differently, darker on light ground; no state is told by colour alone, a sign and a word stand beside it.
 */
export const DASHBOARD_STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #363c45); --soft: light-dark(#535b68, #a3acb9);
  --good: light-dark(#00684c, #4fd6ac); --warn: light-dark(#8a4b00, #ffb454); --bad: light-dark(#b3261e, #ff9285);
  --bar: light-dark(#0072b2, #56b4e9); --ground: light-dark(#ffffff, #14171b); --raised: light-dark(#f4f6f9, #1d2127);
  --text: light-dark(#15191f, #e8ebef); }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem clamp(.75rem, 2vw, 1.75rem) 3rem; background: var(--ground); color: var(--text);
  font: 14px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; }
h1 { font-size: 1.25rem; margin: 0; } h2 { font-size: 1rem; margin: 1.6rem 0 .5rem; } h3 { font-size: .95rem; margin: 0; }
.grow { flex: 1; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--ground); padding: .3rem; }
button, input { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--soft);
  border-radius: .3rem; padding: .2rem .6rem; min-height: 1.9rem; }
button { cursor: pointer; } button[aria-pressed=true] { border-width: 2px; font-weight: 600; }
:focus-visible { outline: 3px solid var(--bar); outline-offset: 2px; }
.good { color: var(--good); } .warn { color: var(--warn); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
.soft { color: var(--soft); } .mono { font-family: ui-monospace, monospace; font-size: .93em; overflow-wrap: anywhere; }
.cards { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.card { border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .85rem; background: var(--raised); }
.card dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem .75rem; margin: .5rem 0 0; }
.card dt { color: var(--soft); } .card dd { margin: 0; font-variant-numeric: tabular-nums; }
.head { display: flex; justify-content: space-between; gap: .5rem; flex-wrap: wrap; }
meter { width: 100%; height: .8rem; display: block; }
.scroll { overflow-x: auto; max-height: 36rem; }
table { border-collapse: separate; border-spacing: 0; min-width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .45rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap;
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 500; background: var(--raised); position: sticky; top: 0; z-index: 2; }
tbody th { font-weight: 600; }
th:first-child { position: sticky; left: 0; background: var(--ground); z-index: 1; } thead th:first-child { z-index: 3; background: var(--raised); }
th.text, td.text { text-align: left; } td.wrap { white-space: normal; min-width: 9rem; }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.chart { min-width: 0; overflow: hidden; } .u-legend { font-size: 12px; text-align: left; } .u-legend .u-value { display: none; }
.u-legend th { position: static; background: none; border: 0; padding: .1rem .2rem; font-weight: 500; }
details summary { cursor: pointer; padding: .2rem 0; }
form { display: inline-flex; gap: .3rem; } form input { width: 8rem; }
/* A table of many columns would be read through a slit: there each row is a list, like that of a pool. */
@media (max-width: 40rem) { .scroll { max-height: none; } .scroll thead { display: none; }
  .scroll table, .scroll tbody, .scroll tr { display: block; }
  .scroll tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  .scroll th, .scroll td { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0 .75rem; border: 0; padding: .1rem 0;
    position: static; text-align: left; white-space: normal; overflow-wrap: anywhere; }
  .scroll tbody th { display: block; } .scroll td::before { content: attr(data-column); color: var(--soft); font-weight: 400;
    font-family: system-ui, sans-serif; } }
`;
