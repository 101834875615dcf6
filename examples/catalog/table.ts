/**
 * The catalog as a table in Postgres, at MILLRACE_POSTGRES_URL: a sink that upserts it, and what is asked of it.
 */
import type { Sink } from 'millrace';
import pg from 'pg';
import { CATEGORIES } from './feeds.js';
import type { Product } from './records.js';

let pool: pg.Pool | undefined;

/** Few connections, made by the first query of each thread, and none that keeps a thread from ending. */
function database(): pg.Pool {
  pool ??= new pg.Pool({ connectionString: process.env.MILLRACE_POSTGRES_URL, max: 2, allowExitOnIdle: true });
  return pool;
}

export async function closeDatabase(): Promise<void> {
  await pool?.end();
  pool = undefined;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS catalog_products (gtin text PRIMARY KEY, day text, title text, brand text, category text,
    amount int, unit text, cents int, offers int, image text, issues jsonb);
  CREATE TABLE IF NOT EXISTS catalog_categories (path text PRIMARY KEY, words tsvector)`;

export async function makeTables({ fresh }: { readonly fresh: boolean }): Promise<void> {
  await database().query(TABLES);
  if (fresh) await database().query('TRUNCATE catalog_products');
  for (const [path, words] of Object.entries(CATEGORIES))
    await database().query(
      `INSERT INTO catalog_categories VALUES ($1, to_tsvector('english', $2)) ON CONFLICT DO NOTHING`,
      [path, words],
    );
}

/** Categories that fit a title, the best first. */
export async function findCategories(title: string): Promise<readonly string[]> {
  const { rows } = await database().query<{ path: string }>(
    `SELECT path FROM catalog_categories, to_tsquery('english', $1) AS query WHERE words @@ query
     ORDER BY ts_rank(words, query) DESC, length(path) LIMIT 3`,
    [(title.match(/\w+/g) ?? []).join(' | ')],
  );
  return rows.map(({ path }) => path);
}

/** The first products of which a text is part of title, brand or category. */
export async function findProducts(text: string): Promise<readonly Product[]> {
  const { rows } = await database().query<Product>(
    `SELECT * FROM catalog_products WHERE title || brand || category ILIKE $1 ORDER BY gtin LIMIT 5`,
    [`%${text}%`],
  );
  return rows;
}

export async function allProducts(): Promise<readonly Product[]> {
  return (await database().query<Product>('SELECT * FROM catalog_products ORDER BY gtin')).rows;
}

const UPSERT = `
  INSERT INTO catalog_products SELECT * FROM json_populate_recordset(NULL::catalog_products, $1)
  ON CONFLICT (gtin) DO UPDATE SET day = excluded.day, title = excluded.title, brand = excluded.brand,
    category = excluded.category, amount = excluded.amount, unit = excluded.unit, cents = excluded.cents,
    offers = excluded.offers, image = excluded.image, issues = excluded.issues
  WHERE catalog_products.day <= excluded.day`;

const LOT = 200;

/**
 * Upserts products in lots. After a crash rows come again, and are written again as they are: so the table ends up the same.
 * A checkpoint waits until what came before it is in the table.
 */
export function catalogTable(): Sink<Product> {
  return {
    kind: 'postgres-table',
    description: 'catalog_products, upserted',
    writer(context) {
      let writing: Promise<void> | undefined;
      return {
        write(inbox) {
          if (writing || inbox.drained) return;
          const end = Math.min(inbox.cursor + LOT, inbox.batch.count);
          const lot = inbox.batch.records.slice(inbox.cursor, end) as Product[];
          inbox.cursor = end;
          writing = upsert(lot).then(
            () => {
              writing = undefined;
              context.wake();
            },
            (error: unknown) => context.fail(error),
          );
        },
        async prepare() {
          await writing;
          return [];
        },
        close() {},
      };
    },
  };
}

/** Of a product that is in a lot twice the last one counts: a statement can't write a row twice. */
async function upsert(lot: readonly Product[]): Promise<void> {
  const byGtin = new Map(lot.map((product) => [product.gtin, product]));
  await database().query(UPSERT, [JSON.stringify([...byGtin.values()])]);
}
