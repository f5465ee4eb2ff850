/** The part of the page's script that shows the configuration, and changes it where that is allowed. */
export const SCRIPT_CONFIG = `
let config = { lines: [], changes: null };
head('config', [['Setting', 'text'], ['Value', 'text'], ['Origin', 'text']]);
head('changes', [['When', 'text'], ['Setting', 'text'], ['From', 'text'], ['To', 'text'], ['', 'text']]);

const fetchJson = async (path, body) => {
  const answer = await fetch(BASE + path, body === undefined ? { cache: 'no-store' } : {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', 'X-Sluice-Change': '1' },
  });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.detail || 'status ' + answer.status);
  return data;
};
const tell = (text, className) => {
  at('change-result').textContent = text;
  at('change-result').className = className || '';
};
// True when it was done.
const change = async (path, body, done) => {
  tell('');
  try {
    await fetchJson(path, body);
    await showConfig();
    tell('\\u25cf ' + done, 'good');
    return true;
  } catch (error) {
    tell('\\u25a0 ' + error.message, 'bad');
    return false;
  }
};

const valueCell = (line, field) => {
  if (field === undefined) return make('td', line.value === '' ? '(unset)' : line.value, 'text wrap mono');
  const form = make('form');
  const input = make('input');
  input.value = line.value;
  input.required = true;
  input.setAttribute('aria-label', line.path + ': ' + field.allowed);
  input.title = field.allowed;
  // What is shown is what is in force; what was said of another value is not true of the next.
  const reset = () => { input.value = line.value; };
  input.addEventListener('input', () => tell(''));
  input.addEventListener('blur', () => { if (input.value.trim() === '') reset(); });
  const button = make('button', 'Set');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { path } = line;
    const { value } = input;
    if (value === line.value) tell('\\u25cf ' + path + ' is ' + value + ' already', 'good');
    else if (!(await change('changes', { path, value }, path + ' is ' + value + ' now'))) reset();
  });
  return inside(make('td', undefined, 'text'), inside(form, input, button));
};
const configRow = (line) => {
  const field = config.changes && config.changes.fields.find(({ path }) => path === line.path);
  const origin = line.variable && line.variable !== line.name ? line.origin + ' ' + line.variable : line.origin;
  const name = heading(line.path, 'row', 'text mono');
  name.title = line.name;
  return row([name, valueCell(line, field || undefined), make('td', origin, 'text ' + (line.origin === 'live' ? 'warn' : ''))]);
};
const changeRow = ({ id, at: when, path, from, to, undone, undo }) => {
  const last = make('td', undone ? 'undone' : '', 'text');
  if (undo) {
    const button = make('button', 'Undo');
    button.setAttribute('aria-label', 'Undo ' + path + ' to ' + to);
    button.addEventListener('click', () => change('changes/undo', { id }, path + ' is ' + from + ' again'));
    last.append(button);
  }
  return row([heading(new Date(when).toLocaleTimeString(), 'row', 'text'), make('td', path, 'text mono'),
    make('td', String(from), 'text'), make('td', String(to), 'text'), last]);
};
const listConfig = () => {
  const wanted = at('config-filter').value.toLowerCase();
  const lines = config.lines.filter(({ path, value, origin }) => (path + ' ' + value + ' ' + origin).toLowerCase().includes(wanted));
  fill('config', lines.map(configRow));
};
const showConfig = async () => {
  if (!at('config-box').open) return;
  config = await fetchJson('config.json');
  listConfig();
  at('changes-box').hidden = config.changes === null;
  if (config.changes !== null) fill('changes', config.changes.history.map(changeRow));
};
const tryConfig = () => showConfig().catch((error) => tell('\\u25a0 ' + error.message, 'bad'));
at('config-box').addEventListener('toggle', tryConfig);
at('config-filter').addEventListener('input', listConfig);
`;
