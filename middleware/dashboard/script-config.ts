/** The part of the page's script that shows the configuration, and changes it where that is allowed. */
export const SCRIPT_CONFIG = `
let config = { lines: [], changes: null };
head('config-head', [['Setting', 'text'], ['Value', 'text'], ['Origin', 'text']]);
head('changes-head', [['When', 'text'], ['Setting', 'text'], ['From', 'text'], ['To', 'text'], ['', 'text']]);

const fetchJson = async (path, body) => {
  const answer = await fetch(BASE + path, body === undefined ? { cache: 'no-store' } : {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', 'X-Sluice-Change': '1' },
  });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.detail || 'status ' + answer.status);
  return data;
};
const change = async (path, body, done) => {
  at('change-result').textContent = '';
  try {
    await fetchJson(path, body);
    await showConfig();
    at('change-result').textContent = done;
    at('change-result').className = 'good';
  } catch (error) {
    at('change-result').textContent = '\\u25a0 ' + error.message;
    at('change-result').className = 'bad';
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
  const button = make('button', 'Set');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    change('changes', { path: line.path, value: input.value }, '\\u25cf ' + line.path + ' is ' + input.value + ' now');
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
    button.addEventListener('click', () => change('changes/undo', { id }, '\\u25cf ' + path + ' is ' + from + ' again'));
    last.append(button);
  }
  return row([heading(new Date(when).toLocaleTimeString(), 'row', 'text'), make('td', path, 'text mono'),
    make('td', String(from), 'text'), make('td', String(to), 'text'), last]);
};
const listConfig = () => {
  const wanted = at('config-filter').value.toLowerCase();
  const lines = config.lines.filter(({ path, value, origin }) => (path + ' ' + value + ' ' + origin).toLowerCase().includes(wanted));
  at('config').replaceChildren(...lines.map(configRow));
};
const showConfig = async () => {
  if (!at('config-box').open) return;
  config = await fetchJson('config.json');
  listConfig();
  at('changes-box').hidden = config.changes === null;
  if (config.changes !== null) at('changes').replaceChildren(...config.changes.history.map(changeRow));
};
const tryConfig = () => showConfig().catch((error) => {
  at('change-result').textContent = '\\u25a0 ' + error.message;
});
at('config-box').addEventListener('toggle', tryConfig);
at('config-filter').addEventListener('input', listConfig);
`;
