/** The part of the page's script that shows the configuration, and changes it where that is allowed. */
export const SCRIPT_CONFIG = `
let config = { lines: [], changes: null };
head('config', [['Setting', 'text'], ['Value', 'text'], ['Origin', 'text']]);
head('changes', [['When', 'text'], ['Setting', 'text'], ['From', 'text'], ['To', 'text'], ['', 'text']]);

const NO_ANSWER = 'no answer from the server';
const fetchJson = async (path, body) => {
  const answer = await fetch(BASE + path, body === undefined ? { cache: 'no-store' } : {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', 'X-Sluice-Change': '1' },
  }).catch(() => { throw new Error(NO_ANSWER); });
  // What stands in front of the server may answer with anything.
  const data = await answer.json().catch(() => undefined);
  if (answer.ok && data !== undefined) return data;
  throw Object.assign(new Error((data && data.detail) || 'status ' + answer.status), { status: answer.status });
};
const tell = (text, className) => {
  at('change-result').textContent = text;
  at('change-result').className = className || '';
};
const readAgain = () => showConfig().then(() => true, () => false);
// True when the server decided, and what is shown is what it decided on.
const change = async (path, body, done) => {
  tell('');
  try {
    const made = await fetchJson(path, body);
    const read = await readAgain();
    tell('\\u25cf ' + done(made) + (read ? '' : '; the list could not be read again'), 'good');
    return read;
  } catch ({ message, status }) {
    const read = status === 409 && (await readAgain());
    tell('\\u25a0 ' + message + (read ? ' The list was read again.' : ''), 'bad');
    return status === 422;
  }
};

// A field with its button: what is typed in and not sent stays, whatever else is shown anew.
const fieldCell = (path) => {
  const form = make('form');
  const input = make('input');
  const inForce = make('span', '', 'soft');
  let shown = '';
  input.required = true;
  const compare = () => { inForce.textContent = input.value === shown ? '' : ' in force: ' + (shown || '(unset)'); };
  const show = (value, allowed) => {
    input.setAttribute('aria-label', path + ': ' + allowed);
    input.title = allowed;
    if (input.value === shown) input.value = value;
    shown = value;
    compare();
  };
  const reset = () => { input.value = shown; compare(); };
  // What was said of another value is not true of the next.
  input.addEventListener('input', () => { tell(''); compare(); });
  input.addEventListener('blur', () => { if (input.value.trim() === '') reset(); });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { value } = input;
    // Whether it has this value already is known to the server alone.
    const decided = await change('changes', { path, value, run: config.changes.run }, ({ id, to }) => path + ' is ' + to + (id === 0 ? ' already' : ' now'));
    if (decided && input.value === value) reset();
  });
  return { cell: inside(make('td', undefined, 'text wrap'), inside(form, input, make('button', 'Set')), inForce), input, show };
};
const textCell = () => {
  const cell = make('td', '', 'text wrap mono');
  return { cell, input: undefined, show: (value) => { cell.textContent = value === '' ? '(unset)' : value; } };
};
let configRows = new Map();
const configRow = (line) => {
  const field = config.changes && config.changes.fields.find(({ path }) => path === line.path);
  let known = configRows.get(line.path);
  if (!known || !known.input !== !field) {
    const value = field ? fieldCell(line.path) : textCell();
    const origin = make('td');
    known = { ...value, origin, element: row([heading(line.path, 'row', 'text mono'), value.cell, origin]) };
    known.element.firstChild.title = line.name;
  }
  known.show(line.value, field && field.allowed);
  known.origin.textContent = line.variable && line.variable !== line.name ? line.origin + ' ' + line.variable : line.origin;
  known.origin.className = 'text ' + (line.origin === 'live' ? 'warn' : '');
  return [line.path, known];
};
let changeRows = new Map();
const changeRow = (run, { id, at: when, path, from, to, undone, undo }) => {
  const key = [run, id, undone, undo].join(' ');
  if (changeRows.has(key)) return [key, changeRows.get(key)];
  const last = make('td', undone ? 'undone' : '', 'text');
  if (undo) {
    const button = make('button', 'Undo');
    button.dataset.path = path;
    button.setAttribute('aria-label', 'Undo ' + path + ' to ' + to);
    button.addEventListener('click', () => change('changes/undo', { id, run }, (made) => path + ' is ' + made.from + ' again'));
    last.append(button);
  }
  return [key, row([heading(new Date(when).toLocaleTimeString(), 'row', 'text'), make('td', path, 'text mono'),
    make('td', String(from), 'text'), make('td', String(to), 'text'), last])];
};
// The row that somebody is at stays in sight, whether its new value is one of those that are looked for or not.
const listConfig = (besides) => {
  const wanted = at('config-filter').value.toLowerCase();
  const lines = config.lines.filter(({ path, value, origin }) => path === besides ||
    (path + ' ' + value + ' ' + origin).toLowerCase().includes(wanted) ||
    configRows.get(path).element.contains(document.activeElement));
  fill('config', lines.map(({ path }) => configRows.get(path).element));
};
const drawConfig = () => {
  const focus = document.activeElement || document.body;
  const byKeyboard = focus.matches(':focus-visible');
  const closed = config.changes !== null && config.changes.closed;
  at('changes-box').hidden = config.changes === null || Boolean(closed);
  at('changes-closed').textContent = closed ? 'Nothing can be changed while the server runs: ' + closed : '';
  changeRows = new Map(config.changes === null ? [] : config.changes.history.map((each) => changeRow(config.changes.run, each)));
  fill('changes', [...changeRows.values()]);
  configRows = new Map(config.lines.map(configRow));
  // Who was at a button that is gone goes on at the field of its setting.
  const { path } = focus.isConnected ? {} : focus.dataset;
  listConfig(path);
  const next = path !== undefined && configRows.get(path);
  if (next && next.input) next.input.focus({ preventScroll: !byKeyboard });
};
let asked = 0;
let drawn = 0;
const showConfig = async () => {
  if (!at('config-box').open) return;
  asked += 1;
  const place = asked;
  const found = await fetchJson('config.json');
  // An answer that was overtaken is older than what is shown.
  if (place < drawn) return;
  drawn = place;
  config = found;
  drawConfig();
};
const tryConfig = () => showConfig().catch((error) => tell('\\u25a0 ' + error.message, 'bad'));
at('config-box').addEventListener('toggle', tryConfig);
at('config-filter').addEventListener('input', () => listConfig());
`;
