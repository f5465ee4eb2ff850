const DAY_MS = 86_400_000;
const AHEAD_DAYS = 30;

/** Whose certificate it is. */
export type CertificateSide = 'server' | 'client';

/** Warns ahead of certificates that end within 30 days, of each side once a day. */
export class CertificateWatch {
  readonly #warn: (code: string, message: string) => void;
  readonly #nextAtMs: Record<CertificateSide, number> = { server: 0, client: 0 };

  constructor(warn: (code: string, message: string) => void) {
    this.#warn = warn;
  }

  /** A session was opened with these certificates: when they end, in milliseconds since 1970. */
  opened(serverUntilMs: number | undefined, clientUntilMs: number | undefined): void {
    // Certificates end by the calendar, so here the date counts and not the clock of the engine.
    const dateMs = Date.now();
    if (serverUntilMs !== undefined) this.seen(dateMs, 'server', serverUntilMs);
    if (clientUntilMs !== undefined) this.seen(dateMs, 'client', clientUntilMs);
  }

  /**
   * A session was opened with this certificate.
   *
   * @param dateMs - The date, in milliseconds since 1970: certificates end by the calendar.
   * @param untilMs - When it ends, likewise.
   */
  seen(dateMs: number, side: CertificateSide, untilMs: number): void {
    const days = Math.floor((untilMs - dateMs) / DAY_MS);
    if (Number.isNaN(days) || days >= AHEAD_DAYS || dateMs < this.#nextAtMs[side]) return;
    this.#nextAtMs[side] = dateMs + DAY_MS;
    const whose = side === 'server' ? "the server's certificate" : "the client's certificate (tlsCert)";
    const when =
      days < 0 ? 'has ended' : days < 1 ? 'ends within a day' : `ends in ${days} ${days === 1 ? 'day' : 'days'}`;
    const date = new Date(untilMs).toISOString().slice(0, 10);
    this.#warn(`database_${side}_certificate_expires`, `${whose} ${when} (${date}); replace it before`);
  }
}
