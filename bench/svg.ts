/** Plots as SVG: lines over a linear or logarithmic axis, and bars beside a mark that they should reach. */

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** The x axis is logarithmic; the y axis begins at 0. */
  readonly log?: boolean;
  readonly lines: readonly Line[];
}

export interface Bar {
  readonly name: string;
  readonly value: number;
}

export interface BarChart {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
  /** A line across all bars. */
  readonly mark?: number;
}

const [WIDTH, HEIGHT] = [720, 400];
const PLOT = { left: 70, right: 180, top: 40, bottom: 50 };
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#999999'];

export function lineChart({ title, x, y, log = false, lines }: LineChart): string {
  const all = lines.flatMap(({ points }) => points);
  const xTicks = log ? powersOver(all.map(([at]) => at)) : stepsTo(Math.max(1e-9, ...all.map(([at]) => at)));
  const yTicks = stepsTo(Math.max(1e-9, ...all.map(([, value]) => value)));
  const along = scale(xTicks, PLOT.left, WIDTH - PLOT.right, log);
  const up = scale(yTicks, HEIGHT - PLOT.bottom, PLOT.top, false);
  const parts = [
    ...xTicks.map((tick) => label(along(tick), HEIGHT - PLOT.bottom + 18, shown(tick), 'middle')),
    ...yTicks.map((tick) => rule(PLOT.left, up(tick), WIDTH - PLOT.right, up(tick), '#ddd')),
    ...yTicks.map((tick) => label(PLOT.left - 8, up(tick) + 4, shown(tick), 'end')),
    label((PLOT.left + WIDTH - PLOT.right) / 2, HEIGHT - 10, x, 'middle'),
    label(PLOT.left - 60, PLOT.top - 12, y, 'start'),
    ...lines.flatMap((line, at) => drawn(line, COLOURS[at % COLOURS.length] as string, at, along, up)),
  ];
  return picture(title, HEIGHT, parts);
}

function drawn(
  { name, points }: Line,
  colour: string,
  at: number,
  along: (value: number) => number,
  up: (value: number) => number,
): string[] {
  const places = points.map(([x, y]) => `${rounded(along(x))},${rounded(up(y))}`);
  const legend = PLOT.top + 10 + at * 18;
  return [
    `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...places.map((place) => {
      const [cx, cy] = place.split(',');
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`;
    }),
    `<rect x="${WIDTH - PLOT.right + 12}" y="${legend - 9}" width="10" height="10" fill="${colour}"/>`,
    label(WIDTH - PLOT.right + 28, legend, name, 'start'),
  ];
}

const BAR_HEIGHT = 20;

export function barChart({ title, unit, bars, mark }: BarChart): string {
  const height = PLOT.top + bars.length * BAR_HEIGHT + PLOT.bottom;
  const ticks = stepsTo(Math.max(1e-9, mark ?? 0, ...bars.map(({ value }) => value)));
  const along = scale(ticks, PLOT.left + 60, WIDTH - 60, false);
  const bottom = height - PLOT.bottom;
  const parts = [
    ...ticks.map((tick) => rule(along(tick), PLOT.top, along(tick), bottom, '#ddd')),
    ...ticks.map((tick) => label(along(tick), bottom + 18, shown(tick), 'middle')),
    ...bars.flatMap(({ name, value }, at) => {
      const top = PLOT.top + at * BAR_HEIGHT;
      const width = rounded(along(value) - along(0));
      return [
        label(PLOT.left + 52, top + 14, name, 'end'),
        `<rect x="${rounded(along(0))}" y="${top + 3}" width="${width}" height="${BAR_HEIGHT - 6}" fill="${COLOURS[0]}"/>`,
        label(along(value) + 4, top + 14, shown(value), 'start'),
      ];
    }),
    ...(mark === undefined ? [] : [rule(along(mark), PLOT.top, along(mark), bottom, COLOURS[1] as string)]),
    label(WIDTH / 2, height - 10, unit, 'middle'),
  ];
  return picture(title, height, parts);
}

function picture(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="${WIDTH / 2}" y="18" text-anchor="middle" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${rounded(x)}" y="${rounded(y)}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

function rule(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}" stroke="${colour}"/>`;
}

function scale(ticks: readonly number[], from: number, to: number, log: boolean): (value: number) => number {
  const of = (value: number): number => (log ? Math.log10(value) : value);
  const [first, last] = [of(ticks[0] as number), of(ticks.at(-1) as number)];
  return (value) => from + ((of(value) - first) / (last - first || 1)) * (to - from);
}

/** From 0, in steps of 1, 2 or 5 times a power of ten, to the first that is no less. */
export function stepsTo(most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = ([1, 2, 5, 10].find((one) => one * power * 5 >= most) as number) * power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

/** Powers of ten that have all values between them. */
export function powersOver(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, at) => Number((10 ** (first + at)).toPrecision(12)));
}

/** `1.5 M`. */
export function shown(value: number): string {
  for (const [size, unit] of [
    [1e9, ' G'],
    [1e6, ' M'],
    [1e3, ' K'],
  ] as const)
    if (value >= size) return `${Number((value / size).toPrecision(3))}${unit}`;
  return String(Number(value.toPrecision(3)));
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
