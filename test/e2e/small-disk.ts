/** A small disk of its own for a test, where mounting one is allowed; elsewhere the simulated ones have to do. */
import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';

/** Lets `use` have a disk at `directory`, with options of `mount`. */
export async function withDisk(t: Test, directory: string, options: string, use: () => Promise<void>): Promise<void> {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  // Every disk call failing is tested in simulation; this shows it with a real disk, if there may be one.
  if (status !== 0) return void t.pass('no disk may be mounted here');
  try {
    await use();
  } finally {
    spawnSync('umount', ['-l', directory]);
  }
}
