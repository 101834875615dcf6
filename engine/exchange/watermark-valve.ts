/**
 * Combines the watermarks and idleness of several channels into one, as Flink's StatusWatermarkValve does: the
 * minimum over channels that are active and aligned; a channel that comes back from idleness counts again once it
 * has caught up; when the last one falls idle, the highest watermark of all goes out first.
 *
 * Invariants: what it puts out rises strictly; it is idle exactly when every channel is.
 */
import { ACTIVE, type Control, IDLE } from '../../core/control.js';
import { TIME_MIN } from '../../core/time.js';

export class WatermarkValve {
  readonly #times: Float64Array;
  readonly #idle: Uint8Array;
  readonly #aligned: Uint8Array;
  readonly #emit: (control: Control) => void;
  #time: number;
  #allIdle = false;

  /** `time`: the watermark it has put out before, in the checkpoint it starts from. */
  constructor(channels: number, time: number, emit: (control: Control) => void) {
    this.#times = new Float64Array(channels).fill(TIME_MIN);
    this.#idle = new Uint8Array(channels);
    this.#aligned = new Uint8Array(channels).fill(1);
    this.#emit = emit;
    this.#time = time;
  }

  /** The combined watermark. */
  get time(): number {
    return this.#time;
  }

  watermark(channel: number, time: number): void {
    if (this.#idle[channel] === 1 || time <= (this.#times[channel] as number)) return;
    this.#times[channel] = time;
    if (time >= this.#time) this.#aligned[channel] = 1;
    this.#advanceToMinimum();
  }

  status(channel: number, idle: boolean): void {
    if ((this.#idle[channel] === 1) === idle) return;
    if (idle) this.#fallIdle(channel);
    else this.#becomeActive(channel);
  }

  #fallIdle(channel: number): void {
    // After a restart channels count that are behind what has been put out before it.
    const heldBack = this.#aligned[channel] === 1 && (this.#times[channel] as number) <= this.#time;
    this.#idle[channel] = 1;
    this.#aligned[channel] = 0;
    if (this.#idle.every((idle) => idle === 1)) {
      if (heldBack) this.#advanceTo(Math.max(...this.#times));
      this.#allIdle = true;
      this.#emit(IDLE);
    } else if (heldBack) {
      this.#advanceToMinimum();
    }
  }

  #becomeActive(channel: number): void {
    this.#idle[channel] = 0;
    if ((this.#times[channel] as number) >= this.#time) this.#aligned[channel] = 1;
    if (this.#allIdle) this.#emit(ACTIVE);
    this.#allIdle = false;
    // It may be the only one that counts, and ahead of what has been put out.
    this.#advanceToMinimum();
  }

  #advanceToMinimum(): void {
    let minimum = Number.POSITIVE_INFINITY;
    let counted = 0;
    for (let channel = 0; channel < this.#times.length; channel += 1) {
      if (this.#aligned[channel] === 0) continue;
      counted += 1;
      minimum = Math.min(minimum, this.#times[channel] as number);
    }
    if (counted > 0) this.#advanceTo(minimum);
  }

  #advanceTo(time: number): void {
    if (time <= this.#time) return;
    this.#time = time;
    this.#emit({ kind: 'watermark', time });
  }
}
