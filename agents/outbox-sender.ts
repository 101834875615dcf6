/**
 * Sends messages of `outbox` tools: once a completed checkpoint holds them, and again until their receivers have them.
 *
 * Invariant: a message leaves the key's row only after its receiver has acknowledged it, so that after a failure it is sent
 * again, with the same key.
 */
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
  /** One for each message under way. */
  readonly #controllers = new Set<AbortController>();
  #closed = false;
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
        if (this.#closed) return;
        this.#size -= 1;
        this.#sent(slot, message.idempotencyKey);
      },
      (error: unknown) => {
        if (!this.#closed) this.#context.fail(error);
      },
    );
  }

  close(): void {
    this.#closed = true;
    for (const controller of this.#controllers) controller.abort();
  }

  async #send(key: unknown, message: OutboxRow, takenInAt: number): Promise<void> {
    await this.#gate.passed(() => takenInAt);
    const controller = new AbortController();
    this.#controllers.add(controller);
    try {
      await this.#sendUntilHeard(key, message, controller.signal);
    } finally {
      this.#controllers.delete(controller);
    }
  }

  async #sendUntilHeard(key: unknown, message: OutboxRow, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !this.#closed; attempt += 1) {
      try {
        return await this.#sendOnce(key, message, signal);
      } catch {
        const { host } = this.#context;
        await pause(host, Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** attempt), signal);
      }
    }
  }

  async #sendOnce(key: unknown, message: OutboxRow, until: AbortSignal): Promise<void> {
    const { tool: name, version, input, idempotencyKey } = message;
    const { host } = this.#context;
    const tool = this.#agents.get(version)?.tools[name] ?? newestTool(this.#agents, name);
    const fetch: typeof globalThis.fetch = (request, init) => host.fetch(request as string, init);
    await withTimeout(host, tool.timeoutMs, until, (signal) =>
      tool.run(input as never, { idempotencyKey, signal, key, fetch }),
    );
  }
}

/** Messages outlive the version that has sent them. */
function newestTool(agents: ReadonlyMap<string, Agent<never, unknown>>, name: string) {
  for (const { tools } of [...agents.values()].reverse()) if (Object.hasOwn(tools, name)) return tools[name] as never;
  throw new TypeError(`no version of the agent has a tool ${name}`);
}
