/**
 * What the agent reaches outside: the database, damage reports, payments and letters. Where they are is in the environment,
 * which worker threads share.
 *
 *   MILLRACE_POSTGRES_URL   policies and payments before; main.ts starts a Postgres if there is none
 *   CLAIMS_OFFICE_URL       payments and letters
 *   CLAIMS_DATA             the directory of claims, answers and damage reports
 */
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Policy } from './records.js';
import type { World } from './world.js';

export const DATA = process.env.CLAIMS_DATA ?? 'examples/claims/out/data';

let pool: pg.Pool | undefined;

/** Few connections, made by the first query of each thread, and none that keeps a thread from ending. */
function database(): pg.Pool {
  pool ??= new pg.Pool({
    connectionString: process.env.MILLRACE_POSTGRES_URL,
    max: 2,
    allowExitOnIdle: true,
  });
  return pool;
}

export async function closeDatabase(): Promise<void> {
  await pool?.end();
  pool = undefined;
}

/** Of each id in its place; undefined where there is none. */
export async function policiesOf(ids: readonly string[]): Promise<(Policy | undefined)[]> {
  const { rows } = await database().query<Policy>('SELECT * FROM claims_policies WHERE id = ANY($1)', [ids]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

/** What was paid on a policy, the newest first. */
export async function historyOf(policy: string): Promise<readonly { closed: string; euros: number }[]> {
  const query = 'SELECT closed, cents / 100.0::float AS euros FROM claims_paid WHERE policy = $1 ORDER BY closed DESC';
  return (await database().query<{ closed: string; euros: number }>(query, [policy])).rows;
}

export async function isSanctioned(name: string): Promise<boolean> {
  const { rowCount } = await database().query('SELECT 1 FROM claims_sanctions WHERE name = $1', [name]);
  return rowCount !== 0;
}

export async function damageReportOf(claim: string): Promise<string> {
  return readFile(`${DATA}/reports/${claim}.txt`, 'utf8').catch(() => `There is no damage report for ${claim}.`);
}

/** Where a payment or letter is told, under its key. */
export function officeUrl(kind: 'payments' | 'letters', key: string): string {
  return `${process.env.CLAIMS_OFFICE_URL}/${kind}/${key}`;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS claims_policies (id text PRIMARY KEY, holder text, product text, coverage int, deductible int,
    starts text, ends text);
  CREATE TABLE IF NOT EXISTS claims_paid (policy text, closed text, cents int);
  CREATE TABLE IF NOT EXISTS claims_sanctions (name text PRIMARY KEY);
  TRUNCATE claims_policies, claims_paid, claims_sanctions`;

/** Fills the database with what was there before the month began. */
export async function loadDatabase({ policies, paid, sanctioned }: World): Promise<void> {
  await database().query(TABLES);
  const insert = (into: string, rows: readonly object[]): Promise<unknown> =>
    database().query(`INSERT INTO ${into} SELECT * FROM json_populate_recordset(NULL::${into}, $1)`, [
      JSON.stringify(rows),
    ]);
  await insert('claims_policies', policies);
  await insert('claims_paid', paid);
  await insert(
    'claims_sanctions',
    [...new Set(sanctioned)].map((name) => ({ name })),
  );
}
