/** The series of one scrape. */
export class Scrape {
  readonly #series: readonly { readonly name: string; readonly labels: string; readonly value: number }[];

  /** @param text - In the format of Prometheus. */
  constructor(text: string) {
    this.#series = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value]) => {
      return { name, labels: `,${labels},`, value: Number(value) };
    });
  }

  /** The sum over all series of a metric that carry these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([key, value]) => `,${key}="${value}",`);
    return this.#series
      .filter((series) => series.name === name && wanted.every((label) => series.labels.includes(label)))
      .reduce((sum, { value }) => sum + value, 0);
  }
}

/** Scrapes the metrics of an application. */
export async function scrape(origin: string): Promise<Scrape> {
  const response = await fetch(`${origin}/metrics`);
  return new Scrape(await response.text());
}
