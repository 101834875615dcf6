/**
 * A set of pairs (time, slot): open addressing with linear probing, deletion by moving entries up.
 *
 * Invariants: at most half the places are in use; slot -1 marks an empty one.
 */
const PLACES_MIN = 16;

export class TimerSet {
  size = 0;
  private times = new Float64Array(PLACES_MIN);
  private slots = new Int32Array(PLACES_MIN).fill(-1);

  has(time: number, slot: number): boolean {
    return this.slots[this.placeOf(time, slot)] === slot;
  }

  /** False if it was there already. */
  add(time: number, slot: number): boolean {
    if ((this.size + 1) * 2 > this.slots.length) this.grow();
    const place = this.placeOf(time, slot);
    if (this.slots[place] === slot) return false;
    this.times[place] = time;
    this.slots[place] = slot;
    this.size += 1;
    return true;
  }

  /** False if there was none. */
  remove(time: number, slot: number): boolean {
    const place = this.placeOf(time, slot);
    if (this.slots[place] !== slot) return false;
    closeGap(this.times, this.slots, place);
    this.size -= 1;
    return true;
  }

  /** All pairs; not to be changed meanwhile. */
  *pairs(): Generator<{ readonly time: number; readonly slot: number }> {
    for (let place = 0; place < this.slots.length; place += 1) {
      const slot = this.slots[place] as number;
      if (slot >= 0) yield { time: this.times[place] as number, slot };
    }
  }

  /** Where the pair stands, or would stand. */
  private placeOf(time: number, slot: number): number {
    const { times, slots } = this;
    const mask = slots.length - 1;
    let place = homeOf(time, slot, mask);
    while (slots[place] !== -1 && (slots[place] !== slot || times[place] !== time)) place = (place + 1) & mask;
    return place;
  }

  private grow(): void {
    const { times, slots } = this;
    this.times = new Float64Array(times.length * 2);
    this.slots = new Int32Array(slots.length * 2).fill(-1);
    for (let at = 0; at < slots.length; at += 1) {
      if (slots[at] === -1) continue;
      const place = this.placeOf(times[at] as number, slots[at] as number);
      this.times[place] = times[at] as number;
      this.slots[place] = slots[at] as number;
    }
  }
}

/** Times are whole milliseconds as a rule, which differ in the low 32 bits. */
function homeOf(time: number, slot: number, mask: number): number {
  const hash = Math.imul((time | 0) ^ Math.imul(slot, 0x85ebca6b), 0x9e3779b1);
  return (hash ^ (hash >>> 15)) & mask;
}

function closeGap(times: Float64Array, slots: Int32Array, removed: number): void {
  const mask = slots.length - 1;
  let gap = removed;
  for (let at = (gap + 1) & mask; slots[at] !== -1; at = (at + 1) & mask) {
    const home = homeOf(times[at] as number, slots[at] as number, mask);
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    times[gap] = times[at] as number;
    slots[gap] = slots[at] as number;
    gap = at;
  }
  slots[gap] = -1;
}
