/**
 * Helpers of the page's script. Every figure and name is written as text, never as markup, so that no name can become
 * part of the page.
 */
export const SCRIPT_TEXT = `
const at = (id) => document.getElementById(id);
const make = (tag, text, className) => {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
};
const inside = (parent, ...children) => { parent.append(...children); return parent; };
const row = (cells) => inside(make('tr'), ...cells);
const heading = (text, scope, className) => {
  const element = make('th', text, className);
  element.scope = scope;
  return element;
};
// On a narrow screen a row stands as a list, in which each cell has to say what it is.
const columns = {};
const head = (id, names) => {
  columns[id] = names.map(([text]) => text);
  at(id + '-head').replaceChildren(row(names.map(([text, className]) => heading(text, 'col', className))));
};
const fill = (id, rows) => {
  for (const { children } of rows) columns[id].forEach((name, index) => { children[index].dataset.column = name; });
  // A row that stays is not moved: with its place it would lose the focus.
  const body = at(id);
  const wanted = new Set(rows);
  for (const old of [...body.children]) if (!wanted.has(old)) old.remove();
  rows.forEach((each, index) => { if (body.children[index] !== each) body.insertBefore(each, body.children[index] || null); });
};

const NONE = '\\u2013';
const rate = (value) => value >= 100 ? value.toFixed(0) : value === 0 ? '0' : value.toFixed(1);
const time = (ms) => ms === null || ms === undefined ? NONE :
  ms >= 10000 ? (ms / 1000).toFixed(0) + ' s' : ms >= 1000 ? (ms / 1000).toFixed(2) + ' s' :
  ms >= 10 ? ms.toFixed(0) + ' ms' : ms.toFixed(1) + ' ms';
// Durations are counted in buckets, of which the first ends at 1 ms: less is not known.
const least = (ms) => ms <= 1 ? '<1' : ms.toFixed(ms < 10 ? 1 : 0);
const several = (list) => list[0] === null ? NONE : list.every((ms) => ms < 1000) ?
  list.map(least).join(' \\u00b7 ') + ' ms' : list.map((ms) => (ms / 1000).toFixed(2)).join(' \\u00b7 ') + ' s';
const spread = ({ p50, p95, p99 }) => several([p50, p95, p99]);
const byCode = (counts) => Object.entries(counts).map(([code, value]) => code + ' ' + rate(value)).join(', ');

// A sign and a word for each state, so that nobody has to tell colours apart.
const STATES = {
  up: ['\\u25cf', 'good'], down: ['\\u25a0', 'bad'], closed: ['\\u25cf', 'good'], open: ['\\u25a0', 'bad'],
  half_open: ['\\u25b2', 'warn'], off: ['\\u25cb', 'soft'],
};
const state = (name, words) => {
  const [sign, className] = STATES[name] || ['\\u25b2', 'warn'];
  return make('span', sign + ' ' + (words || name.replace('_', '-')), className);
};
const say = (text, name) => {
  const [sign, className] = { live: ['\\u25cf', 'good'], held: ['\\u25b2', 'warn'], gone: ['\\u25a0', 'bad'] }[name];
  const element = at('status');
  if (element.textContent !== sign + ' ' + text) element.textContent = sign + ' ' + text;
  element.className = className;
};
`;
