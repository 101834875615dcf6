/**
 * What has become of the week, counted from the job's files and from what the services have been told.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { type RunComparison, reportHtml, reportOf } from 'millrace/agents';
import type { Dispatch } from './agent.js';
import type { Shipment, Stall } from './records.js';
import type { Surroundings } from './surroundings.js';

const ACTIONS = ['reroute', 'split', 'transfer', 'wait'] as const;

export async function summary(out: string, { logistics, desk }: Surroundings): Promise<string> {
  const shipments = await rowsOf<Shipment>(`${out}/input/shipments.ndjson`);
  const stalls = await rowsIn<Stall>(`${out}/stalls`);
  const [dispatches, failures] = [await rowsIn<Dispatch>(`${out}/dispatches`), await rowsIn(`${out}/failures`)];
  const comparisons = await rowsIn<RunComparison>(`${out}/comparisons`);
  const [bookings, messages, left] = [await logistics.bookings(), await logistics.messages(), await logistics.left()];
  const { requests } = desk;
  await writeFile(`${out}/candidate.html`, reportHtml(await reportOf(comparisons)));

  const cancelled = count(stalls, ({ why }) => why === 'cancelled');
  const twice = bookings.length - new Set(bookings.map(({ key }) => key)).size;
  const [given, refused] = [true, false].map((wanted) => count(requests, ({ approved }) => approved === wanted));
  const unanswered = count(requests, ({ approved }) => approved === undefined);
  return `
A week of air freight out of New York, 6 to 12 February 2013

${n(shipments.length, 5)}  shipments
${n(stalls.length, 5)}  stalled: ${cancelled} cancelled, ${stalls.length - cancelled} late
${n(dispatches.length, 5)}  of these for warehouses that ran short: dispatched; ${failures.length} failed
${n(requests.length, 5)}  plans needed an approval: ${given} given, ${refused} refused, ${unanswered} not answered in time
${n(bookings.length, 5)}  plans booked, ${twice} of them twice
${n(messages.length, 5)}  messages to warehouses

${table(dispatches, comparisons, left)}

The rows are in ${out}/{stalls,dispatches,runs,comparisons}, the whole comparison is ${out}/candidate.html`;
}

/** What production has decided, beside what the candidate would have. */
function table(
  production: readonly Dispatch[],
  comparisons: readonly RunComparison[],
  left: ReadonlySet<string>,
): string {
  const candidate = comparisons.flatMap(({ after }) => (after.outcome === 'replied' ? [after.reply as Dispatch] : []));
  const line = (name: string, values: readonly unknown[]): string =>
    `${name.padEnd(34)}${values.map((value) => String(value).padStart(13)).join('')}`;
  const both = (name: string, of: (side: readonly Dispatch[]) => unknown): string =>
    line(name, [production, candidate].map(of));
  const flights = (side: readonly Dispatch[]): string[] => side.flatMap((dispatch) => dispatch.flights);
  return [
    line('', ['version 1', 'candidate 2']),
    ...ACTIONS.map((name) => both(name, (side) => count(side, ({ action }) => action === name))),
    line('would ask for another approval', [0, comparisons.length - candidate.length]),
    both('of the flights that it chose, left', (side) => {
      const chosen = flights(side);
      return `${count(chosen, (flight) => left.has(flight))} of ${chosen.length}`;
    }),
  ].join('\n');
}

const count = <T>(of: readonly T[], holds: (one: T) => boolean): number => of.filter(holds).length;

const n = (value: number, width: number): string => String(value).padStart(width);

/** Of the files of a sink; those that are hidden are not finished. */
export async function rowsIn<T>(directory: string): Promise<T[]> {
  const names = await readdir(directory).catch(() => []);
  const rows = names.filter((name) => !name.startsWith('.')).map((name) => rowsOf<T>(`${directory}/${name}`));
  return (await Promise.all(rows)).flat();
}

export async function rowsOf<T>(file: string): Promise<T[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.filter(Boolean).map((line) => JSON.parse(line) as T);
}
