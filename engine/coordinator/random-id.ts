/**
 * Names of attempts and checkpoints: they tell apart what epoch numbers can't.
 */
import type { Host } from '../../core/host.js';

/** Seven characters, `[0-9a-z]`, 32 random bits. */
export function randomId(host: Host): string {
  return host.random().toString(36).padStart(7, '0');
}
