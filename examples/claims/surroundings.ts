/**
 * Everything around the job: starts what the environment does not name, and puts its address there before the job's modules,
 * which read it, are loaded. Who sets MILLRACE_POSTGRES_URL or MILLRACE_MODEL_URL uses his own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startModelServer } from 'millrace/testing';
import { startPostgres } from '../embedded-postgres.js';
import { startOffice } from './office.js';
import { makeWorld, writeWorld } from './world.js';

const RULES = fileURLToPath(new URL('../../../examples/claims/model-rules.json', import.meta.url));

export interface Surroundings {
  stop(): Promise<void>;
}

export async function startSurroundings({ data, ledger, database }: Places): Promise<Surroundings> {
  const started: { stop(): Promise<void> }[] = [];
  const unlessGiven = async (
    name: string,
    start: () => Promise<{ url: string; stop(): Promise<void> }>,
  ): Promise<void> => {
    if (process.env[name]) return;
    const service = await start();
    process.env[name] = service.url;
    started.push(service);
  };
  await unlessGiven('MILLRACE_POSTGRES_URL', () => startPostgres(database));
  await unlessGiven('MILLRACE_MODEL_URL', () => startModelServer(JSON.parse(readFileSync(RULES, 'utf8'))));
  await unlessGiven('CLAIMS_OFFICE_URL', () => startOffice(ledger));
  process.env.CLAIMS_DATA = data;
  const world = makeWorld();
  if (!existsSync(`${data}/claims.ndjson`)) writeWorld(world, data);
  const { closeDatabase, loadDatabase } = await import('./services.js');
  await loadDatabase(world);
  return {
    async stop() {
      await closeDatabase();
      for (const service of started.reverse()) await service.stop();
    },
  };
}

export interface Places {
  readonly data: string;
  readonly ledger: string;
  readonly database: string;
}
