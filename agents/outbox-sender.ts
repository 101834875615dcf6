/**
 * Sends messages of `outbox` tools: once a completed checkpoint holds them, and again until their receivers have them.
 *
 * Invariant: a message leaves the key's row only after its receiver has acknowledged it, so that after a failure it is sent
 * again, with the same key.
 */
import { MillraceError } from '../core/errors.js';
import type { OperatorContext } from '../operators/operator.js';
import type { Agent } from './agent.js';
import { boundHost, fetchWithin } from './allowed-hosts.js';
import type { CheckpointGate } from './checkpoint-gate.js';
import type { OutboxRow } from './run-row.js';
import { pause, withTimeout } from './timeout.js';
import type { Tool } from './tool.js';

const DELAY_MS = 500;
const DELAY_MS_MAX = 30_000;

export class OutboxSender {
  readonly #context: OperatorContext;
  readonly #agents: ReadonlyMap<string, Agent<never, unknown>>;
  readonly #gate: CheckpointGate;
  readonly #sent: (slot: number, idempotencyKey: string) => void;
  /** Of the messages that have not been acknowledged: one each, since a signal warns of many listeners. */
  readonly #controllers = new Set<AbortController>();

  constructor(
    context: OperatorContext,
    agents: ReadonlyMap<string, Agent<never, unknown>>,
    gate: CheckpointGate,
    sent: (slot: number, idempotencyKey: string) => void,
  ) {
    this.#context = context;
    this.#agents = agents;
    this.#gate = gate;
    this.#sent = sent;
  }

  /** Messages that have not been acknowledged. */
  get size(): number {
    return this.#controllers.size;
  }

  add(slot: number, key: unknown, message: OutboxRow): void {
    const controller = new AbortController();
    const { signal } = controller;
    this.#controllers.add(controller);
    const { cutAt } = this.#gate;
    void this.#send(key, message, cutAt, signal).then(
      () => {
        if (signal.aborted) return;
        this.#controllers.delete(controller);
        this.#sent(slot, message.idempotencyKey);
      },
      (error: unknown) => {
        if (!signal.aborted) this.#context.fail(error);
      },
    );
  }

  close(): void {
    for (const controller of this.#controllers) controller.abort();
  }

  async #send(key: unknown, message: OutboxRow, takenInAt: number, signal: AbortSignal): Promise<void> {
    const tool = this.#toolOf(message);
    await this.#gate.passed(() => takenInAt);
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        return await this.#sendOnce(tool, key, message, signal);
      } catch {
        const { host } = this.#context;
        await pause(host, Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** attempt), signal);
      }
    }
  }

  async #sendOnce(tool: Tool, key: unknown, message: OutboxRow, signal: AbortSignal): Promise<void> {
    const { version, input, idempotencyKey } = message;
    const host = boundHost(this.#context.host, this.#agents.get(version)?.hosts);
    const fetch = fetchWithin(tool.hosts, (request, init) => host.fetch(request, init)) as typeof globalThis.fetch;
    await withTimeout(host, tool.timeoutMs, signal, (own) =>
      tool.run(input as never, { idempotencyKey, signal: own, key, fetch }),
    );
  }
  /** Messages outlive the version that has sent them. Throws `MILL_AGENT_VERSION_MISSING`. */
  #toolOf({ tool: name, version }: OutboxRow): Tool {
    const newestFirst = [...this.#agents.values()].reverse();
    for (const each of [this.#agents.get(version), ...newestFirst])
      if (each && Object.hasOwn(each.tools, name)) return each.tools[name] as Tool;
    const text = `a message of the tool ${name} is to be sent, and no version of the agent has that tool any more`;
    throw new MillraceError('MILL_AGENT_VERSION_MISSING', text, { operator: this.#context.uid });
  }
}
