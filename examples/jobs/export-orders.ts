import { open } from 'node:fs/promises';
import type { ChunkedRun, ChunkOptions, Gateway, SluiceClient } from 'sluice';

/** Where an export stands: the last order that is in the file, and how long the file is up to there. */
export interface ExportCursor {
  readonly orderId: number;
  readonly bytes: number;
}

const CHUNK_ROWS = 2_000;

/** Tables of the example: orders, and one row for each file that is being exported. */
export const EXPORT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS orders (
    id bigserial PRIMARY KEY, sku int NOT NULL, quantity int NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS export_progress (file text PRIMARY KEY, order_id bigint NOT NULL, bytes bigint NOT NULL)`;

/**
 * Writes all orders that are a minute old to a file, a line each, chunk by chunk. Each chunk is one transaction that also stores the cursor,
 * and writes at the place in the file that the cursor names: a chunk that is run again writes the same lines to the
 * same place. Goes on where the last export to this file stopped.
 */
export async function exportOrders(
  gateway: Gateway<'nightlyExport'>,
  file: string,
  options: ChunkOptions<ExportCursor> = {},
): Promise<ChunkedRun<ExportCursor>> {
  const from = options.from ?? (await gateway.run('nightlyExport', (handle) => progressOf(handle, file)));
  return gateway.runInChunks<ExportCursor>(
    'nightlyExport',
    (handle, cursor) =>
      handle.transaction((client) => exportChunk(client, file, cursor ?? { orderId: 0, bytes: 0 }), { retry: true }),
    { ...options, from },
  );
}

async function progressOf(client: SluiceClient, file: string): Promise<ExportCursor | undefined> {
  const { rows } = await client.query<{ order_id: string; bytes: string }>(
    'SELECT order_id, bytes FROM export_progress WHERE file = $1',
    [file],
  );
  return rows[0] && { orderId: Number(rows[0].order_id), bytes: Number(rows[0].bytes) };
}

async function exportChunk(
  client: SluiceClient,
  file: string,
  { orderId, bytes }: ExportCursor,
): Promise<ExportCursor | undefined> {
  const { rows } = await client.query<{ id: string; line: string }>(
    // Numbers are drawn before they are committed. Below an order of a minute ago all are: a checkout has half a second.
    `SELECT id, row_to_json(orders)::text AS line FROM orders
       WHERE id > $1 AND id <= (SELECT max(id) FROM orders WHERE placed_at < now() - interval '1 minute')
       ORDER BY id LIMIT $2`,
    [orderId, CHUNK_ROWS],
  );
  const last = rows.at(-1);
  const end = bytes + (await writeAt(file, bytes, rows.map(({ line }) => `${line}\n`).join('')));
  if (last === undefined) return undefined;
  const next = { orderId: Number(last.id), bytes: end };
  await client.query(
    `INSERT INTO export_progress VALUES ($1, $2, $3)
       ON CONFLICT (file) DO UPDATE SET order_id = excluded.order_id, bytes = excluded.bytes`,
    [file, next.orderId, next.bytes],
  );
  return next;
}

/** Writes a text at a place of a file and cuts off what followed; returns the bytes that it took. */
async function writeAt(file: string, place: number, text: string): Promise<number> {
  const handle = await open(file, place === 0 ? 'w' : 'r+');
  try {
    const { bytesWritten } = await handle.write(text, place);
    await handle.truncate(place + bytesWritten);
    await handle.sync();
    return bytesWritten;
  } finally {
    await handle.close();
  }
}
