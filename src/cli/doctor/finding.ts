/** How it stands: `unknown` where this machine or this login cannot tell. */
export type FindingState = 'ok' | 'warning' | 'failure' | 'unknown';

/** One thing that was looked at. */
export interface Finding {
  /** `host`, `redis`, or the pool by its name. */
  readonly about: string;
  /** A stable name of what was looked at. */
  readonly check: string;
  readonly state: FindingState;
  /** What was found. Holds no secret. */
  readonly found: string;
  /** What helps; `null` where nothing has to be done. */
  readonly remedy: string | null;
}

/** Makes findings about one thing. */
export function findingsAbout(about: string): {
  ok(check: string, found: string): Finding;
  unknown(check: string, found: string, remedy: string): Finding;
  warning(check: string, found: string, remedy: string): Finding;
  failure(check: string, found: string, remedy: string): Finding;
} {
  const make =
    (state: FindingState) =>
    (check: string, found: string, remedy: string | null = null): Finding => ({ about, check, state, found, remedy });
  return { ok: make('ok'), unknown: make('unknown'), warning: make('warning'), failure: make('failure') };
}

/** A finding whose text brings its own remedy behind the last colon, as the sums of the budget do. */
export function splitRemedy(text: string): { readonly found: string; readonly remedy: string } {
  const at = text.lastIndexOf(': ');
  return at < 0 ? { found: text, remedy: 'see above' } : { found: text.slice(0, at), remedy: text.slice(at + 2) };
}
