/**
 * Sends messages of `outbox` tools: once a completed checkpoint holds them, and again until their receivers have them.
 *
 * Invariant: a message leaves the key's row only after its receiver has acknowledged it, so that after a failure it is sent
 * again, with the same key.
 */
import { setMaxListeners } from 'node:events';
import type { OperatorContext } from '../operators/operator.js';
import type { Agent } from './agent.js';
import type { CheckpointGate } from './checkpoint-gate.js';
import type { OutboxRow } from './run-row.js';
import { pause, withTimeout } from './timeout.js';

const DELAY_MS = 500;
const DELAY_MS_MAX = 30_000;

export class OutboxSender {
  readonly #context: OperatorContext;
  readonly #agents: ReadonlyMap<string, Agent<never, unknown>>;
  readonly #gate: CheckpointGate;
  readonly #sent: (slot: number, idempotencyKey: string) => void;
  readonly #controller = new AbortController();
  #size = 0;

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
    // Every message under way listens to it, and Node would take so many for a leak.
    setMaxListeners(0, this.#controller.signal);
  }

  /** Messages that have not been acknowledged. */
  get size(): number {
    return this.#size;
  }

  add(slot: number, key: unknown, message: OutboxRow): void {
    this.#size += 1;
    const { cutAt } = this.#gate;
    void this.#send(key, message, cutAt).then(
      () => {
        if (this.#controller.signal.aborted) return;
        this.#size -= 1;
        this.#sent(slot, message.idempotencyKey);
      },
      (error: unknown) => {
        if (!this.#controller.signal.aborted) this.#context.fail(error);
      },
    );
  }

  close(): void {
    this.#controller.abort();
  }

  async #send(key: unknown, message: OutboxRow, takenInAt: number): Promise<void> {
    await this.#gate.passed(() => takenInAt);
    for (let attempt = 0; !this.#controller.signal.aborted; attempt += 1) {
      try {
        return await this.#sendOnce(key, message);
      } catch {
        const { host } = this.#context;
        await pause(host, Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** attempt), this.#controller.signal);
      }
    }
  }

  async #sendOnce(key: unknown, { tool: name, version, input, idempotencyKey }: OutboxRow): Promise<void> {
    const { host } = this.#context;
    const tool = this.#agents.get(version)?.tools[name] ?? newestTool(this.#agents, name);
    const fetch: typeof globalThis.fetch = (request, init) => host.fetch(request as string, init);
    await withTimeout(host, tool.timeoutMs, this.#controller.signal, (signal) =>
      tool.run(input as never, { idempotencyKey, signal, key, fetch }),
    );
  }
}

/** Messages outlive the version that has sent them. */
function newestTool(agents: ReadonlyMap<string, Agent<never, unknown>>, name: string) {
  for (const { tools } of [...agents.values()].reverse()) if (Object.hasOwn(tools, name)) return tools[name] as never;
  throw new TypeError(`no version of the agent has a tool ${name}`);
}
