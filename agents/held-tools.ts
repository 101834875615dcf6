/**
 * Tools that keep something open, held for as long as an agent may call them.
 */
import type { Agent } from './agent.js';

/** Holds the tools of agents; what is returned lets go of them, once, and resolves when they have closed what they kept. */
export function holdTools(agents: Iterable<Agent<never, unknown>>): () => Promise<void> {
  const tools = new Set([...agents].flatMap(({ tools }) => Object.values(tools)));
  let releases = [...tools].flatMap(({ hold }) => (hold ? [hold()] : []));
  return async () => {
    const held = releases;
    releases = [];
    await Promise.all(held.map((release) => release()));
  };
}
