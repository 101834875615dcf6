/**
 * `npm run bench -- micro [part of a name]`: what the parts of the engine cost by themselves, each in a process of its own: the
 * exchange and its codec, keys and values at hand, timers, windows, and what checkpoints cost keyed state. Joins and the bytes of
 * a key are of `operators`; misses and writing back of `curves state size`; recovery of `level recovery`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DIST } from './cases.js';

const PARTS: Readonly<Record<string, readonly string[]>> = {
  'exchange and codec': ['exchange.js', '5', '1000000'],
  'keys, values, timers, windows': ['state.js'],
  'sealing and writing': ['state.js', 'seal'],
  start: ['startup.js'],
};

export function micro(part = ''): void {
  for (const [name, [file, ...rest]] of Object.entries(PARTS).filter(([each]) => each.includes(part))) {
    console.log(`${name}:`);
    const { status } = spawnSync(process.execPath, [join(DIST, 'bench', file as string), ...rest], {
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error(`${name} ended with status ${status}`);
  }
}
