/** `--fresh`: says what it is going to remove, and asks. Without a terminal nobody can be asked, so `--yes` is needed. */
import { createInterface } from 'node:readline/promises';
import { CheckpointStore } from '../checkpoint/checkpoint-store.js';
import { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';
import { Sinks } from '../engine/coordinator/sinks.js';
import type { LogicalPlan } from '../engine/graph/nodes.js';

export interface FreshStart {
  readonly plan: LogicalPlan;
  readonly host: Host;
  /** False: the job keeps no state. */
  readonly state: string | false;
  /** Needs no question. */
  readonly yes: boolean;
  /** The terminal to ask on; undefined: there is none. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
}

/** Whether to go on. */
export async function confirmFresh({ plan, host, state, yes, ask }: FreshStart): Promise<boolean> {
  if (yes) return true;
  const removed = await removedBy(plan, host, state);
  if (removed.length === 0) return true;
  const what = `This removes ${removed.join(' and ')}`;
  if (ask) return /^y(es)?$/i.test((await ask(`${what}. Start ${plan.job} over? [y/N] `)).trim());
  throw new MillraceError('MILL_FRESH_UNCONFIRMED', `${what}, and there is no terminal to ask on`);
}

async function removedBy(plan: LogicalPlan, host: Host, state: string | false): Promise<string[]> {
  const names = state === false ? [] : await new CheckpointStore(host.storage, state).list();
  const written = await new Sinks(plan, host).written();
  return [
    ...(names.length > 0 ? [`the checkpoints in ${state}`] : []),
    ...[...written].map(([uid, files]) => `${files.length} ${files.length === 1 ? 'file' : 'files'} of ${uid}`),
  ];
}

/** Asks on the terminal, if both ends of it are there. */
export function terminal(
  input: NodeJS.ReadStream = process.stdin,
  output: NodeJS.WriteStream = process.stderr,
): FreshStart['ask'] {
  if (!input.isTTY || !output.isTTY) return undefined;
  return async (question) => {
    const reader = createInterface({ input, output });
    try {
      return await reader.question(question);
    } finally {
      reader.close();
    }
  };
}
