/**
 * A planted bug: now and then a batch is kept back, and controls of one kind go past it.
 */
import { Batch } from '../../core/batch.js';
import type { Control } from '../../core/control.js';
import { Random } from '../../core/random.js';
import type { OutputChannel } from '../../engine/exchange/channel.js';

export class OvertakenChannel implements OutputChannel {
  private readonly random = new Random(7);
  private held: Batch | undefined;
  private sent = 0;

  /** Keeps back one batch in `oneIn`. */
  constructor(
    private readonly channel: OutputChannel,
    private readonly overtaker: Control['kind'],
    private readonly oneIn: number,
  ) {}

  send(batch: Batch, from: number): number {
    if (!this.release()) return from;
    if (this.random.below(this.oneIn) > 0) return this.channel.send(batch, from);
    this.held = copyOf(batch, from);
    return batch.count;
  }

  sendControl(control: Control): boolean {
    if (control.kind !== this.overtaker && !this.release()) return false;
    return this.channel.sendControl(control) && (this.release() || true);
  }

  /** What is kept back comes in the end, whatever else does not. */
  nudge(): void {
    this.release();
    this.channel.nudge?.();
  }

  private release(): boolean {
    const { held } = this;
    if (!held) return true;
    this.sent = this.channel.send(held, this.sent);
    if (this.sent < held.count) return false;
    this.held = undefined;
    this.sent = 0;
    return true;
  }
}

function copyOf(batch: Batch, from: number): Batch {
  const copy = new Batch(batch.count);
  for (let at = from; at < batch.count; at += 1) {
    copy.pushKeyed(batch.records[at], batch.timestamps[at] as number, batch.keys[at], batch.hashes[at] ?? 0);
  }
  return copy;
}
