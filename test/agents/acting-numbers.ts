/** How much the acting job does: for it and for whoever compares. */

/** Events of the input. */
export const EVENTS = 400;
/** One run for so many events. */
export const EVERY = 4;
/** Keys that the runs are of. */
export const KEYS = 50;
