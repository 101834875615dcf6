/** The memory backend keeps the laws of keyed state, with a journal and without. */
import t from 'tap';
import { MemoryState } from '../../state/memory/memory-state.js';
import { backendConformance } from './backend-conformance.js';

backendConformance(t, 'memory', () => new MemoryState({ maxParallelism: 128 }));
backendConformance(t, 'memory, journaled', () => new MemoryState({ maxParallelism: 128, journal: true }), {
  journaled: true,
});
