/**
 * What flows through the catalog job: offers of partners, as their feeds have them, and products, as the catalog has them.
 */
import { z } from 'zod';

/** `12.99`, `12,99` or `EUR 12.99`, in cents. */
const cents = z
  .string()
  .regex(/^(EUR )?\d+([.,]\d\d)?$/)
  .transform((text) => Math.round(Number(text.replace('EUR ', '').replace(',', '.')) * 100));

/** A row of a feed. */
export const Offer = z.object({
  partner: z.string().regex(/^partner-\d+$/),
  gtin: z.string().regex(/^\d{13}$/),
  title: z.string().min(3),
  brand: z.string(),
  size: z.string(),
  price: cents,
  image: z.string(),
  updated: z.iso.datetime(),
});
export type Offer = z.infer<typeof Offer>;

/** All offers of a product of one day. */
export interface ProductDay {
  readonly gtin: string;
  readonly day: string;
  readonly offers: readonly Offer[];
}

/** Something about an offer that was mended, or that somebody should look at. */
export interface Issue {
  readonly partner: string;
  readonly what: 'price in cents' | 'price' | 'size' | 'image';
  readonly fixed: boolean;
}

/** A row of the catalog. */
export interface Product {
  readonly gtin: string;
  readonly day: string;
  readonly title: string;
  readonly brand: string;
  readonly category: string;
  readonly amount: number | null;
  readonly unit: string | null;
  /** The price in the middle of the offers that can be believed. */
  readonly cents: number;
  readonly offers: number;
  readonly image: string | null;
  readonly issues: readonly Issue[];
}
