/**
 * Amounts as partners write them, in one measure: grams, millilitres or pieces. What is written in words is for a model to read,
 * and what it reads comes back through here: converting is nothing that a model should do.
 */
export type Unit = 'g' | 'ml' | 'piece';

export interface Amount {
  readonly value: number;
  readonly unit: Unit;
}

const UNITS: readonly (readonly [pattern: string, unit: Unit, factor: number])[] = [
  ['fl\\.? ?oz', 'ml', 29.5735],
  ['oz|ounces?', 'g', 28.3495],
  ['lbs?|pounds?', 'g', 453.592],
  ['kg', 'g', 1_000],
  ['g|grams?', 'g', 1],
  ['ml', 'ml', 1],
  ['cl', 'ml', 10],
  ['l|litres?', 'ml', 1_000],
  ['pcs|pieces?', 'piece', 1],
];

/** `2 x 6 oz`, `0,75 lb`, `Pack of 12`; undefined for what is no number with a unit. */
export function readAmount(text: string): Amount | undefined {
  const pack = /^pack of (\d+)$/i.exec(text.trim());
  if (pack) return { value: Number(pack[1]), unit: 'piece' };
  const [, times = '1', number, written = ''] = /^(?:(\d+) ?x ?)?(\d+(?:[.,]\d+)?) ?(.+)$/i.exec(text.trim()) ?? [];
  const found = UNITS.find(([pattern]) => new RegExp(`^(?:${pattern})$`, 'i').test(written));
  if (number === undefined || !found) return undefined;
  const [, unit, factor] = found;
  return { value: Number(times) * Number(number.replace(',', '.')) * factor, unit };
}

/** Labels are rounded. */
const TOLERANCE = 0.02;

export function isSame(a: Amount, b: Amount): boolean {
  return a.unit === b.unit && Math.abs(a.value - b.value) <= TOLERANCE * b.value;
}

/** What most say; of equally many the first by value and unit, so that the order of offers does not matter. */
export function consensusOf(amounts: readonly Amount[]): Amount | undefined {
  const ordered = [...amounts].sort((a, b) => a.value - b.value || (a.unit < b.unit ? -1 : 1));
  let best: { readonly amount: Amount; readonly votes: number } | undefined;
  for (const amount of ordered) {
    const votes = ordered.filter((other) => isSame(other, amount)).length;
    if (votes > (best?.votes ?? 0)) best = { amount, votes };
  }
  return best && { value: Math.round(best.amount.value), unit: best.amount.unit };
}
