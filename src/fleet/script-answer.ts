/** What answered a script of Sluice is none that runs scripts. */
export function noAnswer(): Error {
  return new Error('a script was answered with what it cannot answer');
}

/**
 * The figures that a script answered.
 *
 * @param least - So many of them it answers at least.
 * @throws Error where the answer is something else, such as what an echo gives.
 */
export function readFigures(answer: unknown, least: number): number[] {
  if (!Array.isArray(answer) || answer.length < least) throw noAnswer();
  return answer.map((figure) => {
    const number = typeof figure === 'string' && figure !== '' ? Number(figure) : figure;
    if (typeof number !== 'number' || !Number.isFinite(number)) throw noAnswer();
    return number;
  });
}
