/** The part of the page's script that draws the last ten minutes; without the files of uPlot it says so and draws none. */
export const SCRIPT_CHARTS = `
const SECONDS = 600;
const DRAW_MS = 2000;
// Okabe and Ito's colours, and a dash of its own for each series: neither needs the other.
const LIGHT = ['#0072b2', '#d55e00', '#00795a', '#a0487d', '#7a6a00', '#15191f'];
const DARK = ['#56b4e9', '#e69f00', '#2fc79a', '#e08fc0', '#f0e442', '#e8ebef'];
const DASHES = [undefined, [8, 4], [2, 3], [10, 3, 2, 3]];
const MARKS = ['solid', 'dashed', 'dotted', 'double'];
const CHARTS = [
  ['Admitted per second', 'routes', 0], ['Shed per second', 'routes', 1], ['Response time, p99, ms', 'routes', 2],
  ['Seats in use', 'pools', 0], ['Queued', 'pools', 1],
];
let points = [];
let names = { routes: [], pools: [] };
let charts = [];
let drawnAt = 0;

const dark = () => (document.documentElement.style.colorScheme || '') === 'dark' ||
  (!document.documentElement.style.colorScheme && matchMedia('(prefers-color-scheme: dark)').matches);
const colour = (index) => (dark() ? DARK : LIGHT)[index % LIGHT.length];

const series = (kind, figure) => {
  const place = kind === 'routes' ? 1 : 2;
  return [points.map((point) => point[0]),
    ...names[kind].map((_, index) => points.map((point) => {
      const figures = point[place][index];
      return figures === undefined ? null : figures[figure];
    }))];
};

// All that there is, at least one minute of it and at most ten.
const shownTime = () => {
  const end = Date.now() / 1000;
  const first = points.length > 0 ? points[0][0] : end;
  return [Math.max(end - SECONDS, Math.min(first, end - 60)), end];
};
const chartWidth = (element) => Math.max(240, Math.floor(element.clientWidth));
const build = () => {
  for (const { plot } of charts) plot.destroy();
  charts = [];
  at('charts').replaceChildren();
  const ink = () => getComputedStyle(document.body).color;
  const axis = { stroke: ink, grid: { stroke: dark() ? '#2b3037' : '#e3e6eb', width: 1 }, ticks: { show: false } };
  for (const [title, kind, figure] of CHARTS) {
    if (names[kind].length === 0) continue;
    const box = make('figure', undefined, 'chart');
    box.style.margin = '0';
    const text = make('figcaption', title);
    at('charts').append(inside(box, text));
    const plot = new uPlot({
      width: chartWidth(box), height: 170, cursor: { drag: { x: false, y: false }, sync: { key: 'sluice' } },
      legend: { live: false, markers: { width: 2, dash: (_, index) => MARKS[(index - 1) % MARKS.length],
        stroke: (_, index) => colour(index - 1) } },
      scales: { x: { range: shownTime },
        y: { range: (_, low, high) => [0, Math.max(1, high === null ? 1 : high * 1.1)] } },
      axes: [axis, { ...axis, size: 56 }],
      series: [{}, ...names[kind].map((label, index) => ({ label, width: 1.5, spanGaps: false, points: { show: false },
        stroke: () => colour(index), dash: DASHES[index % DASHES.length] }))],
    }, series(kind, figure), box);
    charts.push({ plot, kind, figure, box });
  }
};
const draw = () => {
  if (typeof uPlot === 'undefined') return;
  drawnAt = performance.now();
  if (charts.length === 0) build();
  else for (const { plot, kind, figure } of charts) plot.setData(series(kind, figure));
};
const redraw = () => { charts.forEach(({ plot }) => plot.destroy()); charts = []; draw(); };

const rename = (view) => {
  const next = { routes: view.routes.map(({ name }) => name), pools: view.pools.map(({ name }) => name) };
  if (JSON.stringify(next) === JSON.stringify(names)) return;
  names = next;
  redraw();
};
const addPoint = (view) => {
  const second = Math.round(view.at / 100) / 10;
  if (points.length > 0 && second <= points[points.length - 1][0]) return;
  points.push([second, view.routes.map(({ admitted, shed, response }) => [admitted, shed, response.p99]),
    view.pools.map(({ seats }) => [seats.inFlight, CLASSES.reduce((sum, name) => sum + seats.queuedByClass[name], 0)])]);
  while (points.length > 0 && points[0][0] < second - SECONDS) points.shift();
  if (performance.now() - drawnAt >= DRAW_MS - 100) draw();
};
const setPoints = (list) => {
  // The server may have been started anew: what the page saw before is kept, with a gap between.
  const first = list.length > 0 ? list[0][0] : Infinity;
  points = [...points.filter(([second]) => second < first), ...list];
  draw();
};

let resizing;
addEventListener('resize', () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    for (const { plot, box } of charts) plot.setSize({ width: chartWidth(box), height: 170 });
  }, 150);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

const load = (tag, set) => new Promise((resolve, reject) => {
  const element = document.createElement(tag);
  element.nonce = NONCE;
  element.addEventListener('load', resolve);
  element.addEventListener('error', () => reject(new Error('not there')));
  set(element);
  document.head.append(element);
});
Promise.all([
  load('link', (link) => { link.rel = 'stylesheet'; link.href = BASE + 'uplot.css'; }),
  load('script', (script) => { script.src = BASE + 'uplot.js'; }),
]).then(draw, () => {
  at('charts').replaceChildren(make('p', 'No charts: the package uplot is not installed beside sluice.', 'soft'));
});
`;
