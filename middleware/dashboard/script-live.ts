/** The part of the page's script that listens to the server: only while the page is seen, and again after a restart. */
export const SCRIPT_LIVE = `
let source;
let again;
let held = false;
let seen;
let trouble;

const sayLive = () => say(held ? 'held' : 'live', held ? 'held' : 'live');
const receive = (name, show) => source.addEventListener(name, (event) => {
  trouble = undefined;
  sayLive();
  show(JSON.parse(event.data));
});
const listen = () => {
  clearTimeout(again);
  if (source) source.close();
  source = new EventSource(BASE + 'events');
  // What was changed in between was told to nobody here, and it may be another server.
  source.addEventListener('open', tryConfig);
  receive('history', setPoints);
  receive('refusals', (refusals) => { if (!held) showRefusals(refusals); });
  receive('view', (view) => {
    seen = view;
    rename(view);
    addPoint(view);
    if (!held) showView(view);
  });
  receive('change', tryConfig);
  source.addEventListener('leaving', () => {
    source.close();
    comeBack('the server is shutting down');
  });
  source.addEventListener('error', lost);
};
const comeBack = (why, afterMs = 1000) => {
  trouble = why;
  say(why, 'gone');
  clearTimeout(again);
  again = setTimeout(listen, afterMs * (1 + Math.random()));
};
const CLOSED_NOW = 'status 503: the server is shutting down, too many look already, or it cannot tell yet whether you may; ' +
  'trying again';
// Events that are refused do not tell with what status: that is asked for.
const lost = async () => {
  const mine = source;
  mine.close();
  const unanswered = NO_ANSWER + '; trying again';
  say(trouble || unanswered, 'gone');
  const answer = await fetch(BASE + 'events', { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(5000) })
    .catch(() => undefined);
  if (source !== mine) return;
  if (answer === undefined) comeBack(unanswered);
  else if (answer.status === 401 || answer.status === 403) {
    // Nothing that a second more would mend.
    comeBack('you may not look (status ' + answer.status + '): sign in again; trying again now and then', 10000);
  } else if (answer.status === 503) comeBack(CLOSED_NOW);
  else if (!answer.ok) comeBack('the server answers with status ' + answer.status + '; trying again');
  else if (!/event-stream/.test(answer.headers.get('content-type'))) {
    comeBack('something else answers in place of the events: sign in again; trying again now and then', 10000);
  } else comeBack('the connection was cut; trying again');
};
const leave = () => {
  clearTimeout(again);
  if (source) source.close();
  source = undefined;
  say('nobody looks', 'held');
};
const look = () => document.visibilityState === 'hidden' ? leave() : listen();
document.addEventListener('visibilitychange', look);

at('hold').addEventListener('click', () => {
  held = !held;
  at('hold').setAttribute('aria-pressed', String(held));
  if (source && source.readyState === EventSource.OPEN) sayLive();
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
look();
`;
