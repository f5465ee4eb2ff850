/** Space and comments, those that nest left out: what begins with one is told by no word. */
const LEADING_NOISE = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*(?:[^*/]|\*(?!\/)|\/(?!\*))*\*\/)+/;

/** A text of SQL from its first word on. */
export function withoutLeadingNoise(text: string): string {
  return text.replace(LEADING_NOISE, '');
}
