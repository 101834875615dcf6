/**
 * What the dispatcher works with: a service over a Postgres database, which runs in this process. It knows stock, flights and
 * shipments, makes prices, and books plans.
 *
 * Stock is a table; a trigger writes each version of a row into `stock_changes`, which is the stream that the job reads. What
 * agents ask is answered as of the time that they say, so that a run is answered the same whenever it is executed.
 *
 * POST /plans books whatever it is told, twice if it is told twice: not to do that is the caller's business.
 */
import { PGlite } from '@electric-sql/pglite';
import type { Lift, Week } from './data.js';
import { HttpError, type HttpService, serve } from './http.js';
import type { Shipment, Stock } from './records.js';

/** What is to become of a shipment. */
export interface PlanOfShipment {
  readonly action: 'reroute' | 'split' | 'transfer' | 'wait';
  /** That it goes on, by their ids. */
  readonly flights: readonly string[];
  /** The warehouse that gives the units. */
  readonly from: string | null;
}

/** A flight that a shipment may go on. */
export interface Offer {
  readonly flight: string;
  /** For all of the shipment, or for a half of it at least. */
  readonly room: 'all' | 'half';
}

/** Another warehouse's stock of the article. */
export interface Spare {
  readonly warehouse: string;
  /** Units beyond what it needs itself. */
  readonly spare: number;
  readonly enough: boolean;
}

/** A plan that was booked. */
export interface Booking extends PlanOfShipment {
  readonly n: number;
  readonly key: string;
  readonly shipment: string;
  readonly costUsd: number;
}

const SCHEMA = `
  CREATE TABLE stock (warehouse text, sku text, units int, reorder_point int, per_day int, at float8,
    PRIMARY KEY (warehouse, sku));
  CREATE TABLE stock_changes (n serial PRIMARY KEY, LIKE stock);
  CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO stock_changes (warehouse, sku, units, reorder_point, per_day, at) VALUES (NEW.*);
    RETURN NEW;
  END $$;
  CREATE TRIGGER changed AFTER INSERT OR UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION note_change();

  CREATE FUNCTION apply_moves(moves jsonb) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE move record;
    BEGIN
      FOR move IN SELECT * FROM jsonb_to_recordset(moves) AS m(warehouse text, sku text, units int, at float8) LOOP
        UPDATE stock SET units = greatest(0, stock.units + move.units), at = move.at
          WHERE warehouse = move.warehouse AND sku = move.sku;
      END LOOP;
    END $$;

  CREATE TABLE flights (id text PRIMARY KEY, origin text, warehouse text, departs float8, departed float8, free_kg int);
  CREATE TABLE shipments (id text PRIMARY KEY, sku text, units int, kg int, origin text, warehouse text, flight text);
  CREATE TABLE plans (n serial PRIMARY KEY, key text, shipment text, action text, flights text[], source text, usd int);
  CREATE TABLE messages (key text PRIMARY KEY, shipment text, text text);`;

const HOUR_MS = 3_600_000;
/** Freight is handed over so long before a flight, and a plan looks so far ahead. */
const SOONEST_MS = 3 * HOUR_MS;
const LATEST_MS = 12 * HOUR_MS;
const OFFERS = 5;

export class Logistics {
  readonly #db = new PGlite();
  /** Told of each booking; the test uses it to kill the job in the middle. */
  onBooking: (booking: Booking) => void = () => undefined;

  static async open(week: Week): Promise<Logistics> {
    const logistics = new Logistics();
    await logistics.#load(week);
    return logistics;
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  serve(): Promise<HttpService> {
    return serve({
      'GET /shipments/:id/flights': ({ path, query }) => this.#flights(path.id, timeOf(query.get('after'))),
      'GET /shipments/:id/stock': ({ path, query }) => this.#spares(path.id, timeOf(query.get('at'))),
      'POST /shipments/:id/price': async ({ path, body }) => ({
        costUsd: await this.#price(path.id, body as PlanOfShipment),
      }),
      'POST /plans/:key': ({ path, body }) => this.#book(path.key as string, body as Omit<Booking, 'n' | 'key'>),
      'GET /plans/:key': ({ path }) => this.#booked(path.key as string),
      'PUT /messages/:key': ({ path, body }) =>
        this.#keep(path.key as string, body as { shipment: string; text: string }),
    });
  }

  // What the job and the summary read

  /** All versions of all rows of `stock`, in order. */
  changes(): Promise<Stock[]> {
    return this.#rows(
      `SELECT warehouse, sku, units, reorder_point AS "reorderPoint", per_day AS "perDay", at FROM stock_changes ORDER BY n`,
    );
  }

  bookings(): Promise<Booking[]> {
    return this.#rows(
      `SELECT n, key, shipment, action, flights, source AS "from", usd AS "costUsd" FROM plans ORDER BY n`,
    );
  }

  messages(): Promise<{ key: string; shipment: string; text: string }[]> {
    return this.#rows(`SELECT * FROM messages`);
  }

  /** The flights that left at most two hours late: nobody could know when plans were made. */
  async left(): Promise<Set<string>> {
    const rows = await this.#rows<{ id: string }>(`SELECT id FROM flights WHERE departed <= departs + $1`, [
      2 * HOUR_MS,
    ]);
    return new Set(rows.map(({ id }) => id));
  }

  // What the service answers

  /** The next flights that have room, the earliest first. That they will be cancelled nobody knows yet. */
  async #flights(id: string | undefined, after: number): Promise<{ flights: Offer[] }> {
    const { kg, warehouse } = await this.#shipment(id);
    const flights = await this.#rows<Offer>(
      `SELECT id AS flight, CASE WHEN free_kg >= $1 THEN 'all' ELSE 'half' END AS room FROM flights
       WHERE warehouse = $2 AND departs BETWEEN $3 AND $4 AND free_kg * 2 >= $1 ORDER BY departs, id LIMIT $5`,
      [kg, warehouse, after + SOONEST_MS, after + LATEST_MS, OFFERS],
    );
    return { flights };
  }

  /** What other warehouses had then beyond their own reorder point, the richest first. */
  async #spares(id: string | undefined, at: number): Promise<{ warehouses: Spare[] }> {
    const { sku, units, warehouse } = await this.#shipment(id);
    const warehouses = await this.#rows<Spare>(
      `SELECT warehouse, units - reorder_point AS spare, units - reorder_point >= $1 AS enough FROM (
         SELECT DISTINCT ON (warehouse) * FROM stock_changes WHERE sku = $2 AND warehouse <> $3 AND at <= $4
         ORDER BY warehouse, n DESC) AS latest
       ORDER BY spare DESC, warehouse`,
      [units, sku, warehouse, at],
    );
    return { warehouses };
  }

  async #price(id: string | undefined, { action, flights, from }: PlanOfShipment): Promise<number> {
    const { kg, origin, warehouse } = await this.#shipment(id);
    if (action === 'wait') return 0;
    if (action === 'transfer') {
      if (from === null || from === warehouse) throw new HttpError(422, 'a transfer comes from another warehouse');
      return 1_200 + 5 * kg;
    }
    if (flights.length !== (action === 'split' ? 2 : 1)) throw new HttpError(422, `flights do not fit a ${action}`);
    const found = await this.#rows<Lift>(`SELECT * FROM flights WHERE id = ANY($1) AND warehouse = $2`, [
      flights,
      warehouse,
    ]);
    if (found.length !== flights.length) throw new HttpError(422, `no such flights to ${warehouse}`);
    const trucks = found.filter((flight) => flight.origin !== origin).length;
    return 250 * found.length + 400 * trucks + 4 * kg;
  }

  async #book(key: string, { shipment, action, flights, from, costUsd }: Omit<Booking, 'n' | 'key'>) {
    const [row] = await this.#rows<{ n: number }>(
      `INSERT INTO plans (key, shipment, action, flights, source, usd) VALUES ($1, $2, $3, $4, $5, $6) RETURNING n`,
      [key, shipment, action, flights, from, costUsd],
    );
    const { n } = row as { n: number };
    this.onBooking({ n, key, shipment, action, flights, from, costUsd });
    return { plan: n };
  }

  async #booked(key: string): Promise<{ plan: number | null }> {
    const [row] = await this.#rows<{ n: number }>(`SELECT n FROM plans WHERE key = $1`, [key]);
    return { plan: row?.n ?? null };
  }

  async #keep(key: string, { shipment, text }: { shipment: string; text: string }): Promise<void> {
    await this.#rows(`INSERT INTO messages VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING`, [key, shipment, text]);
  }

  async #shipment(id: string | undefined): Promise<Shipment> {
    const [shipment] = await this.#rows<Shipment>(`SELECT * FROM shipments WHERE id = $1`, [id]);
    if (!shipment) throw new HttpError(404, `there is no shipment ${id}`);
    return shipment;
  }

  // The database

  /** The week as it went: each move updates `stock`, and the trigger notes the version. */
  async #load({ lifts, shipments, shelves, moves, begins }: Week): Promise<void> {
    await this.#db.exec(SCHEMA);
    await this.#fill('flights', 'id text, origin text, warehouse text, departs float8, departed float8, free_kg int', [
      ...lifts.map(({ freeKg, ...lift }) => ({ ...lift, free_kg: freeKg })),
    ]);
    await this.#fill(
      'shipments',
      'id text, sku text, units int, kg int, origin text, warehouse text, flight text',
      shipments,
    );
    await this.#fill(
      'stock',
      'warehouse text, sku text, units int, reorder_point int, per_day int, at float8',
      shelves.map(({ reorderPoint, perDay, ...shelf }) => ({
        ...shelf,
        reorder_point: reorderPoint,
        per_day: perDay,
        at: begins,
      })),
    );
    await this.#rows(`SELECT apply_moves($1::jsonb)`, [JSON.stringify(moves)]);
  }

  async #fill(table: string, columns: string, rows: readonly unknown[]): Promise<void> {
    await this.#rows(`INSERT INTO ${table} SELECT * FROM jsonb_to_recordset($1::jsonb) AS row(${columns})`, [
      JSON.stringify(rows),
    ]);
  }

  async #rows<T>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.#db.query<T>(sql, values)).rows;
  }
}

function timeOf(text: string | null): number {
  const time = Date.parse(text ?? '');
  if (Number.isNaN(time)) throw new HttpError(422, `${text} is no time, such as 2013-02-08T15:00Z`);
  return time;
}
