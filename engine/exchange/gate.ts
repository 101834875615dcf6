/**
 * The way into a subtask: takes elements from its channels in turn, combines watermarks, aligns barriers, counts
 * ends. What comes out is one stream of batches and controls.
 *
 * Invariants: a channel whose barrier has come is not read until every channel's has (alignment); barrier, end and
 * watermark come out once; an ended channel still carries barriers.
 */
import type { Inbox } from '../../core/batch.js';
import { type Control, END } from '../../core/control.js';
import { assert } from '../../core/errors.js';
import type { InputChannel } from './channel.js';
import { selectKeys } from './partitioner.js';
import { WatermarkValve } from './watermark-valve.js';

export interface GateInput {
  readonly channel: InputChannel;
  readonly port: number;
  /** Gives the keys of records that come without them: from another worker only their hashes travel. */
  readonly selector: ((record: never) => unknown) | undefined;
}

export class Gate {
  readonly #inputs: readonly GateInput[];
  readonly #valve: WatermarkValve;
  /** Controls that are due before anything else is read. */
  readonly #due: Control[] = [];
  readonly #blocked: Uint8Array;
  readonly #ended: Uint8Array;
  #turn = 0;

  /** `watermark`: the one that had passed at the checkpoint it starts from. */
  constructor(inputs: readonly GateInput[], watermark: number) {
    assert(inputs.length > 0, 'a gate has channels');
    this.#inputs = inputs;
    this.#valve = new WatermarkValve(inputs.length, watermark, (control) => this.#due.push(control));
    this.#blocked = new Uint8Array(inputs.length);
    this.#ended = new Uint8Array(inputs.length);
  }

  get watermark(): number {
    return this.#valve.time;
  }

  /** The next element; records go into the inbox's batch, which must be drained. */
  next(inbox: Inbox): Control | 'records' | undefined {
    for (;;) {
      const due = this.#due.shift();
      if (due) return due;
      const index = this.#nextReady();
      if (index < 0) return undefined;
      const input = this.#inputs[index] as GateInput;
      inbox.batch.clear();
      const element = input.channel.receive(inbox.batch);
      if (element === 'records') return receiveRecords(inbox, input);
      if (element) this.#control(index, element);
    }
  }

  /** In turn, so that no channel starves another. */
  #nextReady(): number {
    const count = this.#inputs.length;
    for (let step = 0; step < count; step += 1) {
      const index = (this.#turn + step) % count;
      if (this.#blocked[index] === 1 || !this.#inputs[index]?.channel.ready) continue;
      this.#turn = (index + 1) % count;
      return index;
    }
    return -1;
  }

  #control(channel: number, control: Control): void {
    switch (control.kind) {
      case 'watermark':
        return this.#valve.watermark(channel, control.time);
      case 'status':
        return this.#valve.status(channel, control.idle);
      case 'barrier':
        return this.#align(this.#blocked, channel, control);
      case 'end':
        return this.#end(channel);
    }
  }

  #align(blocked: Uint8Array, channel: number, barrier: Control): void {
    blocked[channel] = 1;
    if (blocked.some((flag) => flag === 0)) return;
    blocked.fill(0);
    this.#due.push(barrier);
  }

  #end(channel: number): void {
    assert(this.#ended[channel] === 0, 'a channel ends once');
    this.#ended[channel] = 1;
    if (this.#ended.every((flag) => flag === 1)) this.#due.push(END);
  }
}

function receiveRecords(inbox: Inbox, input: GateInput): 'records' {
  inbox.cursor = 0;
  inbox.port = input.port;
  if (input.selector) selectKeys(inbox.batch, input.selector);
  return 'records';
}
