/**
 * Which shipments are stalled for warehouses that run short, found without any stream: by looking things up in the input.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Shipment, Stock } from '../../examples/supply-chain/records.js';

export interface ExpectedCase {
  readonly shipment: string;
  readonly why: 'cancelled' | 'late';
  readonly at: number;
  readonly units: number;
  readonly hasAlert: boolean;
}

const HOUR_MS = 3_600_000;
const TWO_HOURS_MS = 2 * HOUR_MS;

type Row = Readonly<Record<string, string>>;

/** All that stalled, and those of them that are cases. */
export function supplyChainModel(input: string): { stalls: number; cases: ExpectedCase[] } {
  const read = (name: string): string[] => readFileSync(join(input, name), 'utf8').trimEnd().split('\n');
  const flights = new Map(
    rowsOf(read('departures.csv')).map((row) => [`${row.carrier}${row.flight} ${row.origin} ${row.scheduled}`, row]),
  );
  const stock = read('stock.ndjson').map((line) => JSON.parse(line) as Stock);
  const weather = rowsOf(read('weather.csv'));
  const stalls = read('shipments.ndjson').flatMap((line) => {
    const shipment = JSON.parse(line) as Shipment;
    const stall = stallOf(flights.get(shipment.flight) as Row);
    return stall ? [{ shipment, ...stall }] : [];
  });
  const cases = stalls.flatMap(({ shipment, why, at }) => {
    const version = stock.findLast(
      (each) => each.warehouse === shipment.warehouse && each.sku === shipment.sku && each.at <= at,
    ) as Stock;
    const hasAlert = lastHours(weather, shipment.origin, at).some(isBad);
    return version.units < version.reorderPoint
      ? [{ shipment: shipment.id, why, at, units: version.units, hasAlert }]
      : [];
  });
  return { stalls: stalls.length, cases };
}

function stallOf({ scheduled, departed }: Row): Pick<ExpectedCase, 'why' | 'at'> | undefined {
  const due = Date.parse(scheduled as string);
  if (departed === '') return { why: 'cancelled', at: due };
  return Date.parse(departed as string) - due >= TWO_HOURS_MS ? { why: 'late', at: due + TWO_HOURS_MS } : undefined;
}

/** The twelve full hours before. */
function lastHours(weather: readonly Row[], origin: string, at: number): Row[] {
  const end = Math.floor((at + 1) / HOUR_MS) * HOUR_MS;
  return weather.filter((hour) => {
    const time = Date.parse(hour.time as string);
    return hour.origin === origin && time >= end - 12 * HOUR_MS && time < end;
  });
}

function isBad({ visib, wind_gust: gust, precip }: Row): boolean {
  return (visib !== '' && Number(visib) < 1) || Number(gust) >= 35 || Number(precip) >= 0.06;
}

function rowsOf([header = '', ...lines]: readonly string[]): Row[] {
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((field, at) => [names[at], field])) as Row);
}
