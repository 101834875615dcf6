/**
 * The channel between two workers: the contract of channel.ts over a ring of bytes in shared memory.
 *
 * Invariants: elements arrive in the order they were sent in, each once; the bytes under way are bounded by the ring
 * plus one record; both ends are used by one thread each; a side that finds no room, or nothing to read, is woken
 * through its doorbell when that changes.
 */
import type { Batch } from '../../core/batch.js';
import { ACTIVE, type Control, END, IDLE } from '../../core/control.js';
import { assert } from '../../core/errors.js';
import type { Doorbell, InputChannel, OutputChannel } from './channel.js';
import {
  BARRIER,
  COLUMNS,
  END_OF_INPUT,
  FRAGMENT,
  type FrameMemory,
  flagsOf,
  frameWord,
  IDLE_FLAG,
  kindOf,
  LAST_FLAG,
  PACKED,
  SHAPE,
  STATUS,
  WATERMARK,
} from './frame.js';
import { MessageReader, MessageWriter } from './message.js';
import { RecordDecoder } from './record-decoder.js';
import { RecordEncoder } from './record-encoder.js';
import { type Ring, RingReader, RingWriter } from './ring.js';

const CONTROL_BYTES = 16;

/** Instead of an offset in the ring. */
const NOTHING = -1;
const ASSEMBLED = -2;

export class RingOutputChannel implements OutputChannel {
  private readonly writer: RingWriter;
  private readonly messages: MessageWriter;
  private readonly encoder: RecordEncoder;
  private readonly consumer: Doorbell;
  private readonly wakeAtBytes: number;
  /** Something was sent that the consumer has not been woken for. */
  private owed = false;

  /**
   * `keyed`: the batches have key hashes, and the consumer wants them. `wakeAtBytes`: below so many bytes in flight the
   * consumer is left asleep until `nudge`; waking a thread costs as much as encoding a hundred records, and a consumer
   * that is faster than its producer falls asleep after every batch. Default 0: it is woken for each.
   */
  constructor(ring: Ring, consumer: Doorbell, options: { readonly keyed: boolean; readonly wakeAtBytes?: number }) {
    this.writer = new RingWriter(ring);
    this.messages = new MessageWriter(this.writer);
    this.encoder = new RecordEncoder(this.writer, this.messages, options.keyed);
    this.consumer = consumer;
    this.wakeAtBytes = options.wakeAtBytes ?? 0;
  }

  /**
   * As the contract says. A record that cannot be sent throws, with its index as `recordIndex` (record-error.ts):
   * the records before it have been sent, and sending may go on after it.
   */
  send(batch: Batch, from: number): number {
    const before = this.writer.committed;
    try {
      return this.sendAll(batch, from);
    } finally {
      if (this.writer.committed !== before) this.wake();
    }
  }

  private sendAll(batch: Batch, from: number): number {
    let at = from;
    const { current } = this.messages;
    if (current !== undefined) {
      // Begun by an earlier call, for records that the caller therefore gives again.
      if (!this.messages.flush()) return at;
      at += current.records;
    }
    while (at < batch.count) {
      const reached = this.encoder.encode(batch, at);
      if (reached === at) return at;
      at = reached;
    }
    return at;
  }

  sendControl(control: Control): boolean {
    assert((this.messages.current?.records ?? 0) === 0, 'a batch is sent whole before a control');
    const before = this.writer.committed;
    const sent = this.messages.flush() && this.writeControl(control);
    if (this.writer.committed !== before) this.wake();
    return sent;
  }

  nudge(): void {
    if (!this.owed) return;
    this.owed = false;
    this.consumer.ring();
  }

  private wake(): void {
    this.owed = true;
    if (this.writer.ring.usedBytes >= this.wakeAtBytes) this.nudge();
  }

  private writeControl(control: Control): boolean {
    const offset = this.writer.reserve(CONTROL_BYTES);
    if (offset < 0) return false;
    const { i32, f64 } = this.writer.ring;
    i32[(offset >> 2) + 1] = controlWord(control);
    if (control.kind === 'watermark') f64[(offset >> 3) + 1] = control.time;
    if (control.kind === 'barrier') f64[(offset >> 3) + 1] = control.checkpoint;
    this.writer.commit(CONTROL_BYTES);
    return true;
  }
}

function controlWord(control: Control): number {
  switch (control.kind) {
    case 'watermark':
      return frameWord(WATERMARK, 0, 0);
    case 'status':
      return frameWord(STATUS, control.idle ? IDLE_FLAG : 0, 0);
    case 'barrier':
      return frameWord(BARRIER, control.last ? LAST_FLAG : 0, 0);
    case 'end':
      return frameWord(END_OF_INPUT, 0, 0);
  }
}

export class RingInputChannel implements InputChannel {
  private readonly ring: Ring;
  private readonly reader: RingReader;
  private readonly producer: Doorbell;
  private readonly messages = new MessageReader();
  private readonly decoder = new RecordDecoder();
  /** A frame that came in pieces and is complete. */
  private assembled: FrameMemory | undefined;

  constructor(ring: Ring, producer: Doorbell) {
    this.ring = ring;
    this.reader = new RingReader(ring);
    this.producer = producer;
  }

  /** Takes in shapes and pieces on the way, so that true means that `receive` gives something. */
  get ready(): boolean {
    return this.nextElement() !== NOTHING;
  }

  receive(into: Batch): Control | 'records' | undefined {
    const offset = this.nextElement();
    if (offset === NOTHING) return undefined;
    if (offset === ASSEMBLED) return this.readAssembled(into);
    const element = this.read(this.ring, offset, into);
    this.release();
    return element;
  }

  private readAssembled(into: Batch): Control | 'records' {
    const { assembled } = this;
    assert(assembled !== undefined, 'a frame was put together');
    this.assembled = undefined;
    return this.read(assembled, 0, into);
  }

  /** Where the next element is: its offset in the ring, ASSEMBLED or NOTHING. */
  private nextElement(): number {
    while (this.assembled === undefined) {
      const offset = this.reader.peek();
      if (offset < 0) return NOTHING;
      const kind = kindOf(this.ring.i32[(offset >> 2) + 1] as number);
      if (kind === FRAGMENT) this.takePiece(offset);
      else if (kind === SHAPE) this.decoder.learn(this.ring, offset);
      else return offset;
      this.release();
    }
    return ASSEMBLED;
  }

  private takePiece(offset: number): void {
    const whole = this.messages.take(this.ring, offset);
    if (whole === undefined) return;
    if (kindOf(whole.i32[1] as number) === SHAPE) this.decoder.learn(whole, 0);
    else this.assembled = whole;
  }

  private release(): void {
    if (this.reader.release()) this.producer.ring();
  }

  private read(memory: FrameMemory, offset: number, into: Batch): Control | 'records' {
    const word = memory.i32[(offset >> 2) + 1] as number;
    switch (kindOf(word)) {
      case COLUMNS:
        this.decoder.readColumns(memory, offset, into);
        return 'records';
      case PACKED:
        this.decoder.readPacked(memory, offset, into);
        return 'records';
      default:
        return controlOf(word, memory.f64[(offset >> 3) + 1] as number);
    }
  }
}

function controlOf(word: number, value: number): Control {
  const kind = kindOf(word);
  if (kind === WATERMARK) return { kind: 'watermark', time: value };
  if (kind === BARRIER) return { kind: 'barrier', checkpoint: value, last: (flagsOf(word) & LAST_FLAG) !== 0 };
  if (kind === STATUS) return (flagsOf(word) & IDLE_FLAG) !== 0 ? IDLE : ACTIVE;
  assert(kind === END_OF_INPUT, 'a frame is of a known kind');
  return END;
}
