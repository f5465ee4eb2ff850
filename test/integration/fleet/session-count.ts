import pg from 'pg';

const LOOK_EVERY_MS = 20;

/** Counts the sessions of an application on its server again and again, from the server itself. */
export class SessionCount {
  /** At the last look. */
  present = 0;
  /** At any look. */
  most = 0;
  looks = 0;
  readonly #client: pg.Client;
  readonly #name: string;
  #stopped = false;
  #looking: Promise<void> = Promise.resolve();

  private constructor(client: pg.Client, name: string) {
    this.#client = client;
    this.#name = name;
  }

  static async start(url: string, name: string): Promise<SessionCount> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    const count = new SessionCount(client, name);
    count.#looking = count.#look();
    return count;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
    await this.#client.end();
  }

  async #look(): Promise<void> {
    const text =
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1 AND backend_type = 'client backend'";
    while (!this.#stopped) {
      const { rows } = await this.#client.query<{ n: number }>(text, [this.#name]);
      this.present = rows[0]?.n ?? 0;
      this.most = Math.max(this.most, this.present);
      this.looks += 1;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}
