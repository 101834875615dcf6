/**
 * What has become of the week, counted from the job's files and from what the services have been told.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { type RunComparison, reportHtml, reportOf } from 'millrace/agents';
import type { Dispatch } from './agent.js';
import type { Shipment, Stall, Stock } from './records.js';
import type { Surroundings } from './surroundings.js';

const ACTIONS = ['reroute', 'split', 'transfer', 'wait'] as const;

export async function summary(out: string, { logistics, desk }: Surroundings): Promise<string> {
  const [shipments, stock] = [
    await rows<Shipment>(`${out}/input`, 'shipments'),
    await rows<Stock>(`${out}/input`, 'stock'),
  ];
  const stalls = await rows<Stall>(`${out}/stalls`);
  const dispatches = await rows<Dispatch>(`${out}/dispatches`);
  const [failures, comparisons] = [await rows(`${out}/failures`), await rows<RunComparison>(`${out}/comparisons`)];
  const [bookings, messages] = [await logistics.bookings(), await logistics.messages()];
  const report = reportOf(comparisons);
  await writeFile(`${out}/candidate.html`, reportHtml(report));

  const given = desk.requests.filter(({ approved }) => approved === true).length;
  const refused = desk.requests.filter(({ approved }) => approved === false).length;
  const unanswered = desk.requests.length - given - refused;
  const replies = comparisons.flatMap(({ after }) => (after.outcome === 'replied' ? [after.reply as Dispatch] : []));
  const left = await logistics.left();
  return `
A week of air freight out of New York, 6 to 12 February 2013

  ${n(shipments.length)} shipments, ${n(stock.length)} versions of stock
  ${n(stalls.length)} shipments stalled: ${count(stalls, ({ why }) => why === 'cancelled')} cancelled, ${count(stalls, ({ why }) => why === 'late')} late
  ${n(dispatches.length)} of them for warehouses that ran short: dispatched, ${failures.length} failed
  ${n(desk.requests.length)} plans needed an approval: ${given} given, ${refused} refused, ${unanswered} not answered in time
  ${n(bookings.length)} plans booked, ${bookings.length - new Set(bookings.map(({ key }) => key)).size} twice; ${messages.length} messages

${table(dispatches, replies, left)}
  asks a person anew    ${n(0)}${n(count(comparisons, ({ divergence }) => divergence !== undefined))}

The rows are in ${out}/{stalls,dispatches,runs,comparisons}, the comparison is in ${out}/candidate.html`;
}

/** What production has decided, beside what the candidate would have. */
function table(production: readonly Dispatch[], candidate: readonly Dispatch[], left: ReadonlySet<string>): string {
  const sides = [production, candidate];
  const line = (name: string, of: (side: readonly Dispatch[]) => number): string =>
    `  ${name.padEnd(22)}${sides.map((side) => n(of(side))).join('')}`;
  const flights = (side: readonly Dispatch[]): string[] => side.flatMap((dispatch) => dispatch.flights);
  return [
    `${' '.repeat(24)}version 1   version 2`,
    ...ACTIONS.map((name) => line(name, (side) => count(side, ({ action }) => action === name))),
    line('flights chosen', (side) => flights(side).length),
    line('  of these left', (side) => count(flights(side), (flight) => left.has(flight))),
    line('dollars', (side) => side.reduce((sum, { costUsd }) => sum + costUsd, 0)),
  ].join('\n');
}

const count = <T>(of: readonly T[], holds: (one: T) => boolean): number => of.filter(holds).length;

const n = (value: number): string => value.toLocaleString('en-US').padStart(9);

/** Of the visible files of a sink. */
export async function rows<T>(directory: string, name = ''): Promise<T[]> {
  const names = await readdir(directory).catch(() => []);
  const own = names.filter((each) => each.startsWith(name) && each.endsWith('.ndjson') && !each.startsWith('.'));
  const texts = await Promise.all(own.map((each) => readFile(`${directory}/${each}`, 'utf8')));
  return texts.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line) as T);
}
