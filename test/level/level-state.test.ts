/** The level backend keeps the laws of keyed state while everything leaves its memory and comes back. */
import t from 'tap';
import { backendConformance } from '../state/backend-conformance.js';
import { EvictingState } from './evicting-state.js';

backendConformance(t, 'level, evicting all the time', () => new EvictingState(), {
  journaled: true,
  evicts: true,
});
