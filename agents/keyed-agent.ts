/**
 * Gives keyed streams their method `agent`: whoever imports millrace/agents has it.
 */
import { KeyedStream } from '../api/keyed-stream.js';
import type { Key } from '../core/key.js';
import { type AgentStreamOptions, type AgentStreams, addAgent } from './add-agent.js';
import type { Agent } from './agent.js';
import type { Decision } from './tool-calls.js';

declare module '../api/keyed-stream.js' {
  interface KeyedStream<K extends Key, T> {
    /**
     * Runs an agent for each record: one run of a key at a time, many keys at once; see `addAgent`, which this calls.
     *
     * @example
     * const { replies, failures } = tickets.keyBy((t) => t.customer).agent('triage', triage, { previous: [triageV1] })
     */
    agent<O, E = never, D extends Decision = Decision>(
      name: string,
      agent: Agent<T, O>,
      options?: AgentStreamOptions<K, T, E, D>,
    ): AgentStreams<T, O>;
  }
}

KeyedStream.prototype.agent = function (name, agent, options) {
  return addAgent(this, name, agent, options);
};
