/**
 * The parts of OpenTelemetry's protocol (OTLP, as JSON) that traces and metrics have in common.
 */

/** An attribute's value. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } };

/** A named value. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** Values of attributes as programs have them; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** What all of it is about. */
export interface OtlpResource {
  readonly attributes: readonly OtlpAttribute[];
}

export const SCOPE = { name: 'millrace' } as const;

export function attributesOf(attributes: Attributes): OtlpAttribute[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueOf(value) }],
  );
}

function valueOf(value: string | number | readonly string[]): OtlpValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } };
}

/** Nanoseconds, which JSON's numbers can't hold. */
export function nanosOf(epochMs: number): string {
  return String(BigInt(Math.round(epochMs * 1_000)) * 1_000n);
}
