/** What one code in the log says. */
export interface LogCode {
  readonly level: 'warn' | 'error';
  /** What was seen. */
  readonly means: string;
  /** What to do about it. */
  readonly helps: string;
  /**
   * How often it is said of each route, or pool, where a stream of requests would repeat it: once, or once a minute at most
   * with the number of those left out. Absent where it tells of a change, or nothing repeats it.
   */
  readonly said?: 'once' | 'once_a_minute';
}

/** A function of a route that cannot be used. */
export const unusable = (what: string, meanwhile: string): LogCode => ({
  level: 'warn',
  means: `\`${what}\` of a route threw, or gave what cannot be used; such requests ${meanwhile}`,
  helps: 'mend the function: the message says what it gave and what is wanted; it is said once for each route',
});

export const warn = (means: string, helps: string): LogCode => ({ level: 'warn', means, helps });
export const error = (means: string, helps: string): LogCode => ({ level: 'error', means, helps });

/** A mistake of a route: that it is made again is no news. */
export const once = (means: string, helps: string, counted: string): LogCode => ({
  ...warn(means, `${helps}; it is said once for each route, and \`${counted}\` counts them`),
  said: 'once',
});

/** Trouble that may come back, of which each case is not worth a line. */
export const onceAMinute = (of: 'route' | 'pool' | 'gateway', means: string, helps: string): LogCode => ({
  ...warn(means, `${helps}; it is said once a minute at most for each ${of}, with the number of those left out`),
  said: 'once_a_minute',
});
