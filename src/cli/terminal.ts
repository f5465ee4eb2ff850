/** What a command hears of the terminal while it has the screen. */
export interface ScreenUser {
  onKey(key: string): void;
  onResize(): void;
  /** The process is to end: a signal came, or the terminal went away. */
  onEnd(): void;
}

/** A screen and its keys. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  /** Replaces what is on the screen, a line each. Only between {@link Terminal.take} and its end. */
  draw(lines: readonly string[]): void;
  /**
   * Takes the whole screen; what stood there comes back at the end.
   *
   * @returns Gives the screen back. A second call does nothing.
   */
  take(user: ScreenUser): () => void;
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The terminal of a process; `undefined` where its output goes elsewhere. Without a keyboard it has no keys. */
export function terminalOf({ stdin, stdout }: Pick<NodeJS.Process, 'stdin' | 'stdout'>): Terminal | undefined {
  if (stdout.isTTY !== true) return undefined;
  return {
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    draw: (lines) => {
      // From the top, without clearing first: that would flicker.
      stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
    },
    take: (user) => {
      const onKey = (key: string): void => user.onKey(key);
      const onResize = (): void => user.onResize();
      const onEnd = (): void => user.onEnd();
      if (stdin.isTTY === true) stdin.setRawMode(true).setEncoding('utf8').on('data', onKey);
      stdout.on('resize', onResize);
      for (const signal of SIGNALS) process.on(signal, onEnd);
      let taken = true;
      const leave = (): void => {
        if (!taken) return;
        taken = false;
        stdout.write(LEAVE);
        if (stdin.isTTY === true) stdin.off('data', onKey).setRawMode(false).pause();
        stdout.off('resize', onResize);
        for (const signal of SIGNALS) process.off(signal, onEnd);
        process.off('exit', leave);
      };
      // Also where something throws.
      process.on('exit', leave);
      stdout.write(ENTER);
      return leave;
    },
  };
}
