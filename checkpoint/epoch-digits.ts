/**
 * Epochs in the names of files.
 */

/** In order when sorted as text. */
export function epochDigits(epoch: number): string {
  return String(epoch).padStart(12, '0');
}
