/** The part of the page's script that listens to the server: only while the page is seen, and again after a restart. */
export const SCRIPT_LIVE = `
let source;
let again;
let held = false;
let seen;

const receive = (name, show) => source.addEventListener(name, (event) => {
  say(held ? 'held' : 'live', held ? 'held' : 'live');
  show(JSON.parse(event.data));
});
const listen = () => {
  clearTimeout(again);
  if (source) source.close();
  source = new EventSource(BASE + 'events');
  receive('history', setPoints);
  receive('refusals', (refusals) => { if (!held) showRefusals(refusals); });
  receive('view', (view) => {
    seen = view;
    rename(view);
    addPoint(view);
    if (!held) showView(view);
  });
  receive('change', () => showConfig());
  source.addEventListener('leaving', () => comeBack('the server is shutting down'));
  source.addEventListener('error', () => comeBack('no answer from the server; trying again'));
};
const comeBack = (why) => {
  source.close();
  say(why, 'gone');
  clearTimeout(again);
  again = setTimeout(listen, 1000 + Math.random() * 1000);
};
const leave = () => {
  clearTimeout(again);
  if (source) source.close();
  say('nobody looks', 'held');
};
document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' ? leave() : listen());

at('hold').addEventListener('click', () => {
  held = !held;
  at('hold').setAttribute('aria-pressed', String(held));
  say(held ? 'held' : 'live', held ? 'held' : 'live');
  if (!held && seen) showView(seen);
});
const THEMES = ['', 'light', 'dark'];
const setTheme = (name) => {
  document.documentElement.style.colorScheme = name;
  at('theme').textContent = 'Theme: ' + (name || 'as the system');
  redraw();
};
at('theme').addEventListener('click', () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.style.colorScheme) + 1) % THEMES.length];
  try { localStorage.setItem('sluice-theme', next); } catch {}
  setTheme(next);
});
let theme = '';
try { theme = localStorage.getItem('sluice-theme') || ''; } catch {}
setTheme(THEMES.includes(theme) ? theme : '');
listen();
`;
