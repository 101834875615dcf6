/** The Postgres of the examples, as clients see it: several at a time, transactions, errors, one directory. */
import { join } from 'node:path';
import pg from 'pg';
import t from 'tap';
import { startPostgres } from '../../examples/embedded-postgres.js';

t.test('a Postgres', async (t) => {
  const directory = join(t.testdir({}), 'data');
  const postgres = await startPostgres(directory);
  const pool = new pg.Pool({ connectionString: postgres.url, max: 4 });
  t.teardown(async () => {
    await pool.end();
    await postgres.stop();
  });
  await pool.query('CREATE TABLE numbers (n int PRIMARY KEY, name text)');

  await t.test('several clients at once', async (t) => {
    const ns = Array.from({ length: 40 }, (_, n) => n);
    await Promise.all(ns.map((n) => pool.query('INSERT INTO numbers VALUES ($1, $2)', [n, `n${n}`])));
    const { rows } = await pool.query('SELECT name FROM numbers WHERE n = ANY($1) ORDER BY n', [[7, 9]]);
    t.same(rows, [{ name: 'n7' }, { name: 'n9' }]);
  });

  await t.test('nobody sees a transaction in its middle', async (t) => {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('DELETE FROM numbers');
    const count = pool.query<{ count: string }>('SELECT count(*) FROM numbers');
    await client.query('ROLLBACK');
    client.release();
    t.same((await count).rows, [{ count: '40' }]);
  });

  await t.test('an error is the client’s own, and so is the transaction that it leaves open', async (t) => {
    await t.rejects(pool.query('SELECT nonsense'), { code: '42703' });
    const client = await pool.connect();
    await client.query('BEGIN');
    await t.rejects(client.query('INSERT INTO numbers VALUES (1)'), { code: '23505' });
    client.release(true);
    t.equal((await pool.query('SELECT 1')).rowCount, 1);
  });

  await t.test('who starts it again in its directory has the same one', async (t) => {
    const other = await startPostgres(directory);
    t.equal(other.url, postgres.url);
    await other.stop();
    t.equal((await pool.query('SELECT 1')).rowCount, 1);
  });
});
