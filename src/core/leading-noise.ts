/** Space, or a comment up to the end of its line. */
const PLAIN_NOISE = /\s+|--[^\n]*/y;

/**
 * A text of SQL from its first word on: without the space and the closed comments that it begins with. It goes once
 * through them, however long they are.
 *
 * @param nests - Whether the server nests comments: PostgreSQL does, MySQL does not. By default a comment with the beginning
 *   of another in it is left where it is, so that what follows is told by no word.
 */
export function withoutLeadingNoise(text: string, nests?: boolean): string {
  let at = 0;
  for (;;) {
    PLAIN_NOISE.lastIndex = at;
    const end = PLAIN_NOISE.test(text) ? PLAIN_NOISE.lastIndex : commentEnd(text, at, nests);
    if (end === undefined) return text.slice(at);
    at = end;
  }
}

/** Where a comment that begins here ends; `undefined` where none begins, or it never ends. */
function commentEnd(text: string, at: number, nests: boolean | undefined): number | undefined {
  if (!text.startsWith('/*', at)) return undefined;
  const mark = nests === false ? /\*\//g : /\*\/|\/\*/g;
  mark.lastIndex = at + 2;
  let depth = 1;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    if (found[0] === '*/') depth -= 1;
    else if (nests === undefined) return undefined;
    else depth += 1;
    if (depth === 0) return mark.lastIndex;
  }
  return undefined;
}
