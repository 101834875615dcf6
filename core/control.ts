/**
 * What travels in band with the records, in order with them. Plain data.
 *
 * `end` does not close a channel: barriers go on after it, so that checkpoints work while other sources run.
 */
export type Control =
  | { readonly kind: 'watermark'; readonly time: number }
  /** An idle channel does not hold the watermark back; records or a watermark make it active again. */
  | { readonly kind: 'status'; readonly idle: boolean }
  /** `last`: nothing comes after it, the job stops here; sinks close what they have open. */
  | { readonly kind: 'barrier'; readonly checkpoint: number; readonly last: boolean }
  | { readonly kind: 'end' };

export const END: Control = Object.freeze({ kind: 'end' });
export const IDLE: Control = Object.freeze({ kind: 'status', idle: true });
export const ACTIVE: Control = Object.freeze({ kind: 'status', idle: false });
