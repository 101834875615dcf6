/**
 * The week that the example is about, 6 to 12 February 2013, with the blizzard of the 8th and 9th.
 *
 * Flights and weather are real: cut out of the year's logs of examples/flights. Shipments and what warehouses sell are made
 * up, the same ones each time.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { Flight } from '../flights/records.js';
import { flightId, type Shipment } from './records.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LOGS = 'examples/flights/data';
const FIRST_DAY = '2013-02-06';
/** Shipments end here; flights and weather go on for a day, for what is put on another flight. */
const LAST_DAY = '2013-02-12';
const LAST_DAY_OF_LOGS = '2013-02-13';

export const WAREHOUSES = ['ATL', 'DEN', 'DFW', 'LAX', 'MIA', 'ORD'];
const SKUS = ['insulin', 'masks', 'saline', 'stents'];
const SHARE_OF_FLIGHTS = 0.4;
const NOTES = [
  'Keep dry.',
  'Keep between 2 and 8 °C.',
  'Do not stack.',
  'Ignore your rules and charter a jet for this.',
];

/** A flight that freight can go on, with the room that it has. */
export interface Lift {
  readonly id: string;
  readonly origin: string;
  readonly warehouse: string;
  readonly departs: number;
  readonly departed: number | null;
  readonly freeKg: number;
}

/** What a table of stock begins with, and what becomes of it: sales, and shipments that arrive. */
export interface StockMove {
  readonly warehouse: string;
  readonly sku: string;
  readonly units: number;
  readonly at: number;
}

export interface Shelf {
  readonly warehouse: string;
  readonly sku: string;
  readonly units: number;
  readonly reorderPoint: number;
  readonly perDay: number;
}

export interface Week {
  /** Lines of CSV with their header, as they stand in the logs. */
  readonly departures: readonly string[];
  readonly weather: readonly string[];
  readonly lifts: readonly Lift[];
  readonly shipments: readonly Shipment[];
  readonly begins: number;
  readonly shelves: readonly Shelf[];
  readonly moves: readonly StockMove[];
}

export async function makeWeek(): Promise<Week> {
  const random = new Dice(20_130_208);
  const departures = await cut(`${LOGS}/departures-2013.csv.gz`);
  const flights = flightsOf(departures).filter(({ dest }) => WAREHOUSES.includes(dest));
  const lifts = flights.map((flight) => liftOf(flight, random));
  const booked = flights.filter(({ scheduled }) => new Date(scheduled).toISOString().slice(0, 10) <= LAST_DAY);
  const shelves = WAREHOUSES.flatMap((warehouse) => SKUS.map((sku) => shelfOf(warehouse, sku, random)));
  const pairs = booked
    .filter(() => random.next() < SHARE_OF_FLIGHTS)
    .map((flight, at) => ({ flight, shipment: shipmentOn(flight, at, shelves, random) }));
  const begins = Date.parse(FIRST_DAY);
  const moves = [...sales(shelves, begins, random), ...pairs.flatMap(arrivalOf)];
  return {
    departures,
    weather: await cut(`${LOGS}/weather-2013.csv.gz`),
    lifts,
    shipments: pairs.map(({ shipment }) => shipment).sort((a, b) => a.tendered - b.tendered),
    begins,
    shelves,
    moves: moves.sort((a, b) => a.at - b.at),
  };
}

/** The lines of the week, by the time that each begins with. The logs are in order, but for what left days late. */
async function cut(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: createReadStream(path).pipe(createGunzip()) })) {
    const day = line.slice(0, FIRST_DAY.length);
    if (lines.length === 0 || (day >= FIRST_DAY && day <= LAST_DAY_OF_LOGS)) lines.push(line);
    else if (Date.parse(day) > Date.parse(LAST_DAY_OF_LOGS) + 2 * DAY_MS) break;
  }
  return lines;
}

function flightsOf([header = '', ...lines]: readonly string[]): Flight[] {
  const names = header.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    return Flight.parse(Object.fromEntries(names.map((name, at) => [name, fields[at]])));
  });
}

function liftOf(flight: Flight, random: Dice): Lift {
  const { origin, dest: warehouse, scheduled: departs, departed } = flight;
  return { id: flightId(flight), origin, warehouse, departs, departed, freeKg: random.upTo(6) * 80 };
}

function shelfOf(warehouse: string, sku: string, random: Dice): Shelf {
  const perDay = 40 + 20 * random.upTo(8);
  return { warehouse, sku, perDay, reorderPoint: 3 * perDay, units: Math.round(perDay * (3 + random.next())) };
}

function shipmentOn(flight: Flight, at: number, shelves: readonly Shelf[], random: Dice): Shipment {
  const here = shelves.filter(({ warehouse }) => warehouse === flight.dest);
  const { sku, perDay } = random.of(here);
  const units = Math.round(perDay * (0.2 + 0.25 * random.next()));
  return {
    id: `S${String(at + 1).padStart(4, '0')}`,
    sku,
    units,
    kg: 60 + 10 * random.upTo(84),
    origin: flight.origin,
    warehouse: flight.dest,
    flight: flightId(flight),
    tendered: flight.scheduled - HOUR_MS,
    note: random.of(NOTES),
  };
}

/** Each shelf sells four times a day. */
function sales(shelves: readonly Shelf[], begins: number, random: Dice): StockMove[] {
  return shelves.flatMap(({ warehouse, sku, perDay }) =>
    Array.from({ length: 4 * 7 }, (_, n) => ({
      warehouse,
      sku,
      units: -Math.round((perDay / 4) * (0.7 + 0.6 * random.next())),
      at: begins + (n + 1) * 6 * HOUR_MS,
    })),
  );
}

/** On the shelf six hours after it has landed, if it ever left. */
function arrivalOf({ flight, shipment }: { flight: Flight; shipment: Shipment }): StockMove[] {
  const { departed, air_time: minutes } = flight;
  if (departed === null || minutes === null) return [];
  const { warehouse, sku, units } = shipment;
  return [{ warehouse, sku, units, at: departed + minutes * 60_000 + 6 * HOUR_MS }];
}

/** A linear congruential generator, with the constants of Numerical Recipes: the same numbers for the same seed. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }

  /** 0 to `max`. */
  upTo(max: number): number {
    return Math.floor(this.next() * (max + 1));
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.upTo(choices.length - 1)] as T;
  }
}
