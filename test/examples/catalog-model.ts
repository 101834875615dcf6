/**
 * The catalog of the last day by plain loops over the feeds: without streams, a model or a database, and with sizes written down
 * by hand instead of converted.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Issue, Product } from '../../examples/catalog/records.js';

const SIZES: Readonly<Record<string, string>> = {
  ...all('227 g', ['8 oz', '8 ounces', '227 g', 'half a pound']),
  ...all('340 g', ['12 oz', '0.75 lb', '340 g', '2 x 6 oz', 'a dozen ounces']),
  ...all('454 g', ['1 lb', '16 oz', '454 g', 'a pound']),
  ...all('907 g', ['2 lb', '32 oz', '0,907 kg', 'two pounds']),
  ...all('2268 g', ['5 lb']),
  ...all('473 ml', ['16 fl oz', '473 ml', 'a pint']),
  ...all('946 ml', ['32 fl oz', '946 ml', 'a quart']),
  ...all('500 ml', ['500 ml', '50 cl', '0.5 l', 'half a litre']),
  ...all('12 piece', ['12 pcs', 'Pack of 12', 'a dozen']),
  ...all('24 piece', ['24 pcs', '2 x 12 pcs', 'two dozen']),
};

const CATEGORIES: readonly (readonly [RegExp, string])[] = [
  [/coffee/i, 'Grocery > Coffee'],
  [/leaf tea/i, 'Grocery > Tea'],
  [/honey/i, 'Grocery > Honey & Spreads'],
  [/pasta/i, 'Grocery > Pasta'],
  [/oil/i, 'Grocery > Oils'],
  [/detergent/i, 'Household > Detergents'],
  [/candles/i, 'Household > Candles'],
  [/dandruff/i, 'Beauty > Shampoo > Dandruff'],
  [/shampoo/i, 'Beauty > Shampoo'],
  [/dog food/i, 'Pets > Dog Food'],
  [/pencils/i, 'Office > Pencils'],
];

interface Row {
  readonly partner: string;
  readonly gtin: string;
  readonly title: string;
  readonly brand: string;
  readonly size: string;
  readonly cents: number;
  readonly image: string;
}

/** By product and day, in order of both; and how many rows are none. */
export function catalogModel(directory: string): { readonly products: Product[]; readonly unreadable: number } {
  const products: Product[] = [];
  let unreadable = 0;
  for (const day of readdirSync(directory).sort()) {
    const byGtin = new Map<string, Row[]>();
    for (const file of readdirSync(`${directory}/${day}`).sort()) {
      for (const line of readFileSync(`${directory}/${day}/${file}`, 'utf8').trimEnd().split('\n').slice(1)) {
        const row = rowOf(line);
        if (row) byGtin.set(row.gtin, [...(byGtin.get(row.gtin) ?? []), row]);
        else unreadable += 1;
      }
    }
    for (const [gtin, rows] of byGtin) products.push(productOf(gtin, day, rows));
  }
  products.sort((a, b) => (a.gtin + a.day < b.gtin + b.day ? -1 : 1));
  return { products, unreadable };
}

function rowOf(line: string): Row | undefined {
  const fields = [...line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  if (fields.length !== 8) return undefined;
  const [partner, gtin, title, brand, size, price, image] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const cents = Math.round(Number(price.replace('EUR ', '').replace(',', '.')) * 100);
  return { partner, gtin, title, brand, size, cents, image };
}

function productOf(gtin: string, day: string, rows: readonly Row[]): Product {
  const first = rows[0] as Row;
  const [amount, unit] = mostFrequent(rows.map(({ size }) => SIZES[size] as string)).split(' ') as [string, string];
  const middle = lowerMedian(rows.map(({ cents }) => cents));
  const far = (cents: number): boolean => cents <= middle / 2 || cents >= middle * 2;
  const isInCents = (cents: number): boolean => far(cents) && !far(cents / 100);
  const image = rows.find((row) => row.image !== '')?.image ?? null;
  const issues = rows.flatMap(({ partner, cents, size, image: own }): Issue[] => [
    ...(own === '' ? [{ partner, what: 'image', fixed: image !== null } as const] : []),
    ...(far(cents) && !isInCents(cents) ? [{ partner, what: 'price', fixed: false } as const] : []),
    ...(isInCents(cents) ? [{ partner, what: 'price in cents', fixed: true } as const] : []),
    ...(SIZES[size] === `${amount} ${unit}` ? [] : [{ partner, what: 'size', fixed: false } as const]),
  ]);
  const good = rows.flatMap(({ cents }) => (isInCents(cents) ? [Math.round(cents / 100)] : far(cents) ? [] : [cents]));
  return {
    gtin,
    day,
    title: first.title
      .replace(`${first.brand} `, '')
      .split(' ')
      .map((word) => word[0]?.toUpperCase() + word.slice(1).toLowerCase())
      .join(' '),
    brand: first.brand,
    category: CATEGORIES.find(([words]) => words.test(first.title))?.[1] ?? '',
    amount: Number(amount),
    unit,
    cents: lowerMedian(good),
    offers: rows.length,
    image,
    issues,
  };
}

function all(means: string, written: readonly string[]): Record<string, string> {
  return Object.fromEntries(written.map((text) => [text, means]));
}

/** Of equally frequent ones the one with the smaller number. */
function mostFrequent(texts: readonly string[]): string {
  const votes = (text: string): number => texts.filter((other) => other === text).length;
  return [...texts].sort((a, b) => votes(b) - votes(a) || Number.parseFloat(a) - Number.parseFloat(b))[0] as string;
}

function lowerMedian(numbers: readonly number[]): number {
  const ascending = numbers.toSorted((a, b) => a - b);
  return ascending[Math.ceil(ascending.length / 2) - 1] ?? 0;
}
