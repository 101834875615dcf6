/** An agent that decides about orders, what it was asked and told, and its replay in a process of its own: `node fraud-agent.js <directory>`. */
import { fileURLToPath } from 'node:url';
import { agent, replay, tool } from 'millrace/agents';
import { z } from 'zod';
import { answerOf, scripted } from './scripted-model.js';

export interface Order {
  readonly id: number;
  readonly user: number;
  readonly cents: number;
}

export const order = (id: number): Order => ({ id, user: id % 100, cents: (id * 7_919) % 1_000 });
export const Verdict = z.object({ hold: z.boolean(), why: z.string() });

/** What the world was asked and told. */
export const world = { models: 0, profiles: 0, holds: 0 };

const profile = tool({
  description: 'Reads a profile.',
  input: z.object({ user: z.number() }),
  effect: 'read',
  run: ({ user }) => {
    world.profiles += 1;
    return { user, trusted: user % 3 === 0 };
  },
});

export const hold = tool({
  description: 'Holds an order.',
  input: z.object({ id: z.number() }),
  effect: 'once',
  run: ({ id }) => {
    world.holds += 1;
    return { held: id };
  },
});

/** `limit`: what the model holds above. */
const model = (limit: number) =>
  scripted(({ messages }) => {
    world.models += 1;
    const asked = /order (\d+) of user (\d+): (\d+) cents/.exec(messages[1]?.text ?? '');
    const [id, user, cents] = (asked ?? []).slice(1).map(Number) as [number, number, number];
    const results = messages.filter(({ role }) => role === 'tool');
    if (results.length === 0) return { calls: [{ id: 'p', tool: 'profile', input: { user } }] };
    const holds = cents > limit;
    if (holds && results.length === 1) return { calls: [{ id: 'h', tool: 'hold', input: { id } }] };
    return answerOf({ hold: holds, why: `${cents} cents` });
  });

export const fraud = ({ version = '1', instructions = 'Decide.', limit = 900 } = {}) =>
  agent({
    version,
    model: model(limit),
    instructions,
    prompt: ({ id, user, cents }: Order, { recent }) =>
      `order ${id} of user ${user}: ${cents} cents\nbefore: ${recent.length}`,
    output: Verdict,
    tools: { profile, hold },
    memory: { last: 2 },
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { runs, agreement, diverged } = await replay({ agent: fraud(), runs: process.argv[2] as string });
  console.log(JSON.stringify({ runs, same: agreement.count, diverged, world, alone: await isAlone() }));
}

/** Whether not even this machine can be reached. */
async function isAlone(): Promise<boolean> {
  return fetch('http://127.0.0.1:8099').then(
    () => false,
    (error: Error) => (error.cause as { code?: string } | undefined)?.code === 'ENETUNREACH',
  );
}
