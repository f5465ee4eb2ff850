/** One bar: a value, and its extremes where it was measured more than once. */
export interface Bar {
  readonly value: number;
  readonly min?: number;
  readonly max?: number;
}

/** Bars side by side under one label; bar `n` of each group belongs to series `n`. */
export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

/** What {@link barChart} draws. */
export interface BarChart {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly string[];
  readonly groups: readonly BarGroup[];
  /** A horizontal line to measure by. */
  readonly line?: { readonly label: string; readonly value: number };
}

/** What {@link lineChart} draws. */
export interface LineChart {
  readonly title: string;
  readonly unit: string;
  /** Text under the horizontal axis. */
  readonly across: string;
  readonly lines: readonly { readonly label: string; readonly points: readonly (readonly [x: number, y: number])[] }[];
}

const WIDTH = 860;
const HEIGHT = 376;
const PLOT = { left: 64, right: 16, top: 80, bottom: 72 };
const COLOURS = ['#1f6f8b', '#e07a3f', '#7a5195', '#5b8c5a', '#c0392b', '#8d6e63', '#2c3e50', '#b7950b'];

/** Grouped bars with their range. */
export function barChart(chart: BarChart): string {
  const values = chart.groups.flatMap(({ bars }) => bars.map(({ value, max }) => max ?? value));
  const axis = axisTo(Math.max(chart.line?.value ?? 0, ...values), chart.unit);
  const slot = plotWidth() / Math.max(1, chart.groups.length);
  const width = (slot * 0.7) / Math.max(1, chart.series.length);
  const groups = chart.groups.map((group, index) => {
    const from = PLOT.left + slot * index + slot * 0.15;
    const bars = group.bars.map((bar, series) => oneBar(bar, from + width * series, width, axis.y, colour(series)));
    return bars.join('') + wrapped(group.label, PLOT.left + slot * (index + 0.5), bottom() + 18);
  });
  return page(chart.title, chart.series, axis.svg + groups.join('') + rule(chart.line, axis.y));
}

/** Lines over a common axis. */
export function lineChart(chart: LineChart): string {
  const points = chart.lines.flatMap((line) => line.points);
  const axis = axisTo(Math.max(0, ...points.map(([, y]) => y)), chart.unit);
  const most = Math.max(1, ...points.map(([x]) => x));
  const x = (value: number): number => PLOT.left + (value / most) * plotWidth();
  const lines = chart.lines.map(({ points: of }, index) => {
    const path = of.map(([at, y]) => `${x(at).toFixed(1)},${axis.y(y).toFixed(1)}`).join(' ');
    return `<polyline fill="none" stroke="${colour(index)}" stroke-width="2" points="${path}"/>`;
  });
  const step = roundStep(most / 8);
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
  const below = ticks.map((tick) => text(x(tick), bottom() + 18, shown(tick), 'middle'));
  below.push(text(WIDTH / 2, bottom() + 40, chart.across, 'middle'));
  return page(
    chart.title,
    chart.lines.map(({ label }) => label),
    axis.svg + lines.join('') + below.join(''),
  );
}

function oneBar(bar: Bar, x: number, width: number, y: (value: number) => number, fill: string): string {
  const top = y(bar.value);
  const middle = x + width / 2 - 1;
  const range =
    bar.min === undefined || bar.max === undefined || bar.min === bar.max
      ? ''
      : `<path d="M${fix(middle)} ${fix(y(bar.min))}V${fix(y(bar.max))}" stroke="#333" stroke-width="1.5"/>`;
  const rect = `<rect x="${fix(x)}" y="${fix(top)}" width="${fix(width - 2)}" height="${fix(bottom() - top)}" fill="${fill}"/>`;
  const label = text(middle, Math.min(top, y(bar.max ?? bar.value)) - 5, String(Math.round(bar.value)), 'middle');
  return rect + range + label;
}

function rule(line: BarChart['line'], y: (value: number) => number): string {
  if (line === undefined) return '';
  const at = fix(y(line.value));
  const path = `<path d="M${PLOT.left} ${at}H${WIDTH - PLOT.right}" stroke="#b00" stroke-dasharray="6 4"/>`;
  return path + text(WIDTH - PLOT.right, y(line.value) - 6, line.label, 'end');
}

/** A vertical axis from 0 to a round number, with lines across the plot. */
function axisTo(most: number, unit: string): { readonly svg: string; readonly y: (value: number) => number } {
  const step = roundStep(Math.max(most, 1e-9) / 5);
  const top = Math.ceil(most / step) * step || step;
  const y = (value: number): number => bottom() - (value / top) * (bottom() - PLOT.top);
  let svg = text(8, PLOT.top - 12, unit, 'start');
  for (let value = 0; value <= top + step / 2; value += step) {
    svg += `<path d="M${PLOT.left} ${fix(y(value))}H${WIDTH - PLOT.right}" stroke="#ddd"/>`;
    svg += text(PLOT.left - 8, y(value) + 4, shown(value), 'end');
  }
  return { svg, y };
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= least) ?? 10;
  return factor * power;
}

function page(title: string, series: readonly string[], content: string): string {
  let x = PLOT.left;
  const legend = series.map((name, index) => {
    const part = `<rect x="${x}" y="32" width="10" height="10" fill="${colour(index)}"/>${text(x + 15, 41, name, 'start')}`;
    x += 34 + name.length * 7;
    return part;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" ` +
    `fill="#333" role="img" aria-label="${escaped(title)}"><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>` +
    `<text x="${PLOT.left}" y="20" font-size="15" font-weight="bold">${escaped(title)}</text>` +
    `${legend.join('')}${content}</svg>\n`
  );
}

/** Text in lines of about 16 characters, centred. */
function wrapped(label: string, x: number, y: number): string {
  const lines: string[] = [];
  for (const word of label.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 15) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line, index) => text(x, y + index * 14, line, 'middle')).join('');
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${fix(x)}" y="${fix(y)}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

const shown = (value: number): string => String(Math.round(value * 100) / 100);
const fix = (value: number): string => value.toFixed(1);
const colour = (index: number): string => COLOURS[index % COLOURS.length] ?? '#333';
const bottom = (): number => HEIGHT - PLOT.bottom;
const plotWidth = (): number => WIDTH - PLOT.left - PLOT.right;
