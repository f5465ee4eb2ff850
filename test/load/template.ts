import type { Random } from './random.js';

const PLACE = /\{\{int (\d+) (\d+)\}\}/g;

/**
 * Text with places for random whole numbers: `{{int 1 1000}}` becomes a number from 1 to 1000, both included. A text
 * instead of a function, because a plan crosses a process boundary.
 *
 * @returns A function that fills the places, or gives the text back where it has none.
 */
export function compileTemplate(text: string): (random: Random) => string {
  const parts: string[] = [];
  const ranges: { readonly low: number; readonly span: number }[] = [];
  let from = 0;
  for (const match of text.matchAll(PLACE)) {
    const low = Number(match[1]);
    const high = Number(match[2]);
    if (high < low) throw new RangeError(`template place ${match[0]}: the second number is below the first`);
    parts.push(text.slice(from, match.index));
    ranges.push({ low, span: high - low + 1 });
    from = match.index + match[0].length;
  }
  const last = text.slice(from);
  if (ranges.length === 0) return () => text;
  return (random) => {
    let filled = '';
    for (const [index, range] of ranges.entries()) {
      filled += `${parts[index]}${range.low + Math.floor(random() * range.span)}`;
    }
    return filled + last;
  };
}
