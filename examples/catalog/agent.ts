/**
 * The editor of the catalog. A model finds the category and reads sizes that are written in words; everything that can be
 * computed is code. What was read once is kept with the product, and not asked again.
 */
import { state } from 'millrace';
import { type Agent, agent, data, openAiCompatible, tool } from 'millrace/agents';
import { z } from 'zod';
import { type Amount, consensusOf, isSame, readAmount } from './amounts.js';
import type { Issue, Offer, Product, ProductDay } from './records.js';
import { findCategories } from './table.js';

const model = openAiCompatible({
  model: process.env.MILLRACE_MODEL_NAME ?? 'scripted',
  baseUrl: process.env.MILLRACE_MODEL_URL ?? 'http://127.0.0.1:8080/v1',
  apiKey: () => process.env.MILLRACE_MODEL_KEY ?? '',
});

// The model's part

const INSTRUCTIONS = `You find the category of a product in a shop's catalog.
Look categories up by the product's title; answer with one of those that you find, as it is written.
Choose the first one that fits.`;

/** The candidate differs in one line. */
const SPECIFIC = INSTRUCTIONS.replace('the first one that fits', 'the most specific one that fits');

const Categorised = z.object({ category: z.string() });

const categorising = (version: string, instructions: string) =>
  agent({
    version,
    model,
    instructions,
    prompt: ({ offers }: ProductDay) => `Titles: ${data([...new Set(offers.map(({ title }) => title))].join('\n'))}`,
    output: Categorised,
    tools: {
      categories: tool({
        description: 'Categories that fit a title, the best first.',
        input: z.object({ title: z.string() }),
        effect: 'read',
        run: async ({ title }) => (await findCategories(title)).join('\n') || 'none',
      }),
    },
  });

const sizeReader = agent({
  version: '1',
  model,
  instructions: `You read how much of a product there is where it is written in words.
Answer with a number and a unit (oz, lb, fl oz, g, ml, pcs), and with nothing if it does not say how much.`,
  prompt: (size: string) => `Size: ${data(size)}`,
  output: z.object({ means: z.string() }),
});

// The code's part

const editing = (version: string, categoriser: Agent<ProductDay, z.infer<typeof Categorised>>) =>
  agent({
    version,
    state: { category: state.value<string>(), sizes: state.map<string, string>() },
    async run(product: ProductDay, ctx): Promise<Product> {
      const { category, sizes } = ctx.state;
      if (category.get() === undefined) category.set((await ctx.call(categoriser, product)).category);
      const unread = new Set(
        product.offers.map(({ size }) => size).filter((size) => !readAmount(size) && !sizes.has(size)),
      );
      for (const size of unread) sizes.set(size, (await ctx.call(sizeReader, size)).means);
      return edited(product, category.get() ?? '', (size) => readAmount(size) ?? readAmount(sizes.get(size) ?? ''));
    },
  });

function edited(
  { gtin, day, offers }: ProductDay,
  category: string,
  amountOf: (size: string) => Amount | undefined,
): Product {
  const amounts = offers.map(({ size }) => amountOf(size));
  const amount = consensusOf(amounts.filter((each) => each !== undefined));
  const { cents, issues } = priced(offers);
  const image = offers.find((offer) => offer.image !== '')?.image;
  for (const [at, offer] of offers.entries()) {
    const own = amounts[at];
    if (!own || !amount || !isSame(own, amount)) issues.push({ partner: offer.partner, what: 'size', fixed: false });
    if (offer.image === '') issues.push({ partner: offer.partner, what: 'image', fixed: image !== undefined });
  }
  const [first] = offers as [Offer];
  const title = first.title.replace(`${first.brand} `, '').toLowerCase();
  return {
    gtin,
    day,
    title: title.replaceAll(/\b\w/g, (letter) => letter.toUpperCase()),
    brand: first.brand,
    category,
    amount: amount?.value ?? null,
    unit: amount?.unit ?? null,
    cents,
    offers: offers.length,
    image: image ?? null,
    issues: issues.sort((a, b) => (a.partner + a.what < b.partner + b.what ? -1 : 1)),
  };
}

/** A price far from the middle is an issue; one that is a hundred times too high was meant in cents, and is mended. */
function priced(offers: readonly Offer[]): { readonly cents: number; readonly issues: Issue[] } {
  const middle = medianOf(offers.map(({ price }) => price));
  const issues: Issue[] = [];
  const believed: number[] = [];
  for (const { partner, price } of offers) {
    if (isNear(price, middle)) believed.push(price);
    else if (isNear(price / 100, middle)) {
      believed.push(Math.round(price / 100));
      issues.push({ partner, what: 'price in cents', fixed: true });
    } else issues.push({ partner, what: 'price', fixed: false });
  }
  return { cents: medianOf(believed), issues };
}

function isNear(price: number, middle: number): boolean {
  return price > middle * 0.5 && price < middle * 2;
}

/** Of an even number the lower one of the middle. */
function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}

export const editor = editing('1', categorising('1', INSTRUCTIONS));
/** Tried by replays and dark launches before it takes over. */
export const candidate = editing('2', categorising('2', SPECIFIC));
