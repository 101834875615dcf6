/**
 * Feeds of a thousand partners on two days, made from a seed: a CSV file each, with about five offers of some eight hundred
 * products, each partner in his own manner. Some write sizes in words, some prices in cents, some forget the image, and some
 * rows are no rows.
 */
import { mkdirSync, writeFileSync } from 'node:fs';

export const PARTNERS = 1_000;
export const DAYS = ['2026-03-02', '2026-03-03'] as const;

/** Categories, with the words that they are found by. */
export const CATEGORIES = {
  'Grocery > Coffee': 'coffee ground beans roast',
  'Grocery > Coffee > Decaffeinated': 'coffee decaf',
  'Grocery > Tea': 'tea leaf green black herbal',
  'Grocery > Honey & Spreads': 'honey spread jam',
  'Grocery > Pasta': 'pasta spaghetti penne fusilli',
  'Grocery > Oils': 'oil olive sunflower',
  'Household > Detergents': 'detergent laundry',
  'Household > Candles': 'candle candles scented',
  'Beauty > Shampoo': 'shampoo hair',
  'Beauty > Shampoo > Dandruff': 'shampoo dandruff',
  'Pets > Dog Food': 'dog food kibble',
  'Office > Pencils': 'pencil pencils',
} as const;

const BRANDS = ['Alder', 'Birch & Co', 'Cedar', 'Dune', 'Elm'];

/** What there is, in which kinds and sizes, and what the first size costs, in cents. */
const RANGE = [
  ['Ground Coffee', ['Dark Roast', 'Medium Roast', 'Decaf', 'Breakfast'], ['12oz', '1lb', '2lb'], 899],
  ['Leaf Tea', ['Green', 'Black', 'Herbal'], ['8oz', '1lb'], 749],
  ['Honey', ['Blossom', 'Forest'], ['12oz', '1lb'], 629],
  ['Pasta', ['Spaghetti', 'Penne', 'Fusilli'], ['1lb', '2lb'], 219],
  ['Oil', ['Olive', 'Sunflower'], ['pint', 'quart', '500ml'], 799],
  ['Laundry Detergent', ['Fresh', 'Sensitive'], ['quart', '500ml'], 1_149],
  ['Scented Candles', ['Vanilla', 'Cotton'], ['dozen', '24'], 1_899],
  ['Shampoo', ['Mild', 'Anti Dandruff', 'Repair'], ['pint', '500ml'], 549],
  ['Dog Food', ['Beef', 'Chicken', 'Lamb'], ['2lb', '12oz'], 999],
  ['Pencils', ['Soft', 'Hard', 'Coloured'], ['dozen', '24'], 459],
] as const;

/** A size as partners write it, the last way in words; and how many times the price of the first it is. */
const SIZES = {
  '8oz': { factor: 0.7, written: ['8 oz', '8 ounces', '227 g', 'half a pound'] },
  '12oz': { factor: 1, written: ['12 oz', '0.75 lb', '340 g', '2 x 6 oz', 'a dozen ounces'] },
  '1lb': { factor: 1.3, written: ['1 lb', '16 oz', '454 g', 'a pound'] },
  '2lb': { factor: 2.4, written: ['2 lb', '32 oz', '0,907 kg', 'two pounds'] },
  pint: { factor: 1, written: ['16 fl oz', '473 ml', 'a pint'] },
  quart: { factor: 1.8, written: ['32 fl oz', '946 ml', 'a quart'] },
  '500ml': { factor: 1.1, written: ['500 ml', '50 cl', '0.5 l', 'half a litre'] },
  dozen: { factor: 1, written: ['12 pcs', 'Pack of 12', 'a dozen'] },
  '24': { factor: 1.9, written: ['24 pcs', '2 x 12 pcs', 'two dozen'] },
} as const;

interface Item {
  readonly gtin: string;
  readonly title: string;
  readonly brand: string;
  readonly written: readonly string[];
  readonly cents: number;
}

/** Numbers that depend on the seed alone. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** In [0, limit): a linear congruential generator, of which the upper bits are used. */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/** Writes a file for each partner and day: `feeds/2026-03-02/partner-0001.csv`. */
export function writeFeeds(directory: string, seed = 1): void {
  const dice = new Dice(seed);
  const items = range(dice);
  const offered = Array.from({ length: PARTNERS }, () =>
    Array.from({ length: 3 + dice.below(5) }, () => dice.of(items)),
  );
  for (const [n, day] of DAYS.entries()) {
    mkdirSync(`${directory}/${day}`, { recursive: true });
    for (const [at, own] of offered.entries()) {
      const partner = `partner-${String(at + 1).padStart(4, '0')}`;
      const rows = [...new Set(own)].map((item) => rowOf(dice, { item, partner, day, n }));
      const text = `partner,gtin,title,brand,size,price,image,updated\n${rows.join('\n')}\n`;
      writeFileSync(`${directory}/${day}/${partner}.csv`, text);
    }
  }
}

function range(dice: Dice): Item[] {
  return RANGE.flatMap(([name, kinds, sizes, cents]) =>
    kinds.flatMap((kind) =>
      sizes.flatMap((size) =>
        BRANDS.flatMap((brand) =>
          ['', ' Organic', ' Family'].map((line) => ({ name: `${kind} ${name}${line}`, size, brand, cents })),
        ),
      ),
    ),
  ).map(({ name, size, brand, cents }, n) => ({
    gtin: String(4_012_345_000_000 + n * 17),
    title: name,
    brand,
    written: SIZES[size].written,
    cents: Math.round(cents * SIZES[size].factor * (0.8 + dice.below(40) / 100)),
  }));
}

interface RowSeed {
  readonly item: Item;
  readonly partner: string;
  readonly day: string;
  readonly n: number;
}

function rowOf(dice: Dice, { item, partner, day, n }: RowSeed): string {
  const { gtin, title, brand, written, cents } = item;
  const updated = `${day}T${String(dice.below(24)).padStart(2, '0')}:${String(dice.below(60)).padStart(2, '0')}:00Z`;
  const styled = dice.of([title, title.toUpperCase(), `${brand} ${title}`]);
  const size = dice.below(60) === 0 ? '5 lb' : dice.of(written);
  const own = Math.round(cents * (0.9 + dice.below(25) / 100)) + n * dice.below(20);
  const image = dice.below(9) === 0 ? '' : `https://cdn.example/${partner}/${gtin}.jpg`;
  const row = [partner, gtin, quoted(styled), quoted(brand), quoted(size), quoted(priceOf(dice, own)), image, updated];
  // A row that broke off.
  return dice.below(400) === 0 ? row.slice(0, 4).join(',') : row.join(',');
}

function priceOf(dice: Dice, cents: number): string {
  const roll = dice.below(100);
  // Cents where there should be euros; and a price that is simply wrong.
  if (roll < 3) return String(cents);
  const text = ((roll < 5 ? cents * 4 : cents) / 100).toFixed(2);
  return dice.of([text, text, text.replace('.', ','), `EUR ${text}`]);
}

function quoted(text: string): string {
  return text.includes(',') ? `"${text}"` : text;
}
