/**
 * The records of the two logs, as the job sees them: rows of CSV turned into numbers and times.
 */
import { z } from 'zod';

/** An empty field is a missing value. */
const maybeNumber = z.string().transform((text) => (text === '' ? null : Number(text)));
const time = z.string().transform((text) => Date.parse(text));
const maybeTime = z.string().transform((text) => (text === '' ? null : Date.parse(text)));

/** One flight. Times are epoch ms, delays and air time minutes, distance miles. A cancelled flight never departed. */
export const Flight = z.object({
  scheduled: time,
  departed: maybeTime,
  dep_delay: maybeNumber,
  arr_delay: maybeNumber,
  carrier: z.string(),
  flight: z.coerce.number(),
  tail: z.string(),
  origin: z.string(),
  dest: z.string(),
  air_time: maybeNumber,
  distance: z.coerce.number(),
});
export type Flight = z.infer<typeof Flight>;

/** A flight that has left. */
export interface Departure extends Flight {
  readonly departed: number;
  readonly dep_delay: number;
}

export function hasDeparted(flight: Flight): flight is Departure {
  return flight.departed !== null;
}

/** The weather at an airport in the hour that begins at `time`. */
export const Weather = z.object({
  time,
  origin: z.string(),
  wind_gust: maybeNumber,
  precip: maybeNumber,
  visib: maybeNumber,
});
export type Weather = z.infer<typeof Weather>;
