/**
 * What the job has around it in a company, started in this process: the logistics service with its database, the approval desk
 * and, unless MILLRACE_MODEL_URL names a real one, a scripted model. And the week's input, as files.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { startModelServer } from 'millrace/testing';
import { makeWeek } from './data.js';
import { Desk, type DutyManager } from './desk.js';
import { Logistics } from './logistics.js';

const RULES = 'examples/supply-chain/model-rules.json';

export interface Surroundings {
  readonly logistics: Logistics;
  readonly desk: Desk;
  /** Params of the job: where everything is. */
  readonly params: Readonly<Record<'input' | 'logistics' | 'desk' | 'model', string>>;
  stop(): Promise<void>;
}

export async function startSurroundings(input: string, manager?: DutyManager): Promise<Surroundings> {
  const week = await makeWeek();
  const logistics = await Logistics.open(week);
  const desk = new Desk(manager);
  const services = [await logistics.serve(), await desk.serve()] as const;
  const real = process.env.MILLRACE_MODEL_URL;
  const scripted = real === undefined ? await startModelServer(JSON.parse(await readFile(RULES, 'utf8'))) : undefined;

  await mkdir(input, { recursive: true });
  const lines = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row));
  for (const [name, content] of Object.entries({
    'departures.csv': week.departures,
    'weather.csv': week.weather,
    'shipments.ndjson': lines(week.shipments),
    'stock.ndjson': lines(await logistics.changes()),
  }))
    await writeFile(`${input}/${name}`, `${content.join('\n')}\n`);

  const [{ url: logisticsUrl }, { url: deskUrl }] = services;
  return {
    logistics,
    desk,
    params: { input, logistics: logisticsUrl, desk: deskUrl, model: real ?? (scripted?.url as string) },
    async stop() {
      for (const service of [...services, ...(scripted ? [scripted] : [])]) await service.stop();
      await logistics.close();
    },
  };
}
