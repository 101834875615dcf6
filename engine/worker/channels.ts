/**
 * The channels of one worker's subtasks: hand-offs within the worker, rings to and from the others. Rings are made
 * once for all workers, before any starts.
 */
import type { Doorbell, InputChannel, OutputChannel } from '../exchange/channel.js';
import { LocalChannel } from '../exchange/local-channel.js';
import { Ring } from '../exchange/ring.js';
import { RingInputChannel, RingOutputChannel } from '../exchange/ring-channel.js';
import type { Link, PhysicalPlan } from '../graph/chain.js';
import type { EngineSettings } from './settings.js';

/** Memory shared by all workers: a ring for each link and pair of workers. */
export type Rings = ReadonlyMap<string, SharedArrayBuffer>;

const nameOf = (link: Link, from: number, to: number): string => `${link.id}:${from}:${to}`;

export function allocateRings(plan: PhysicalPlan, parallelism: number, ringBytes: number): Rings {
  const rings = new Map<string, SharedArrayBuffer>();
  for (const link of plan.links) {
    if (link.partition.kind === 'forward') continue;
    for (let from = 0; from < parallelism; from += 1) {
      for (let to = 0; to < parallelism; to += 1) {
        if (from !== to) rings.set(nameOf(link, from, to), Ring.allocate(ringBytes));
      }
    }
  }
  return rings;
}

export interface WorkerChannelsOptions {
  readonly index: number;
  readonly parallelism: number;
  readonly rings: Rings;
  /** Doorbells of all workers. */
  readonly doorbells: readonly Doorbell[];
  readonly settings: EngineSettings;
}

export class WorkerChannels {
  readonly #options: WorkerChannelsOptions;
  readonly #local = new Map<number, LocalChannel>();

  constructor(options: WorkerChannelsOptions) {
    this.#options = options;
  }

  inputs(link: Link): readonly InputChannel[] {
    const { index, rings, doorbells } = this.#options;
    return this.#peers(link).map((peer) => {
      if (peer === index) return this.#localChannel(link);
      const ring = new Ring(rings.get(nameOf(link, peer, index)) as SharedArrayBuffer);
      return new RingInputChannel(ring, doorbells[peer] as Doorbell);
    });
  }

  outputs(link: Link): readonly OutputChannel[] {
    const { index, rings, doorbells } = this.#options;
    return this.#peers(link).map((peer) => {
      if (peer === index) return this.#localChannel(link);
      const ring = new Ring(rings.get(nameOf(link, index, peer)) as SharedArrayBuffer);
      return new RingOutputChannel(ring, doorbells[peer] as Doorbell, {
        keyed: link.partition.kind === 'hash',
        // A quarter: the consumer has something to do while the producer goes on.
        wakeAtBytes: ring.capacity / 4,
      });
    });
  }

  #peers(link: Link): number[] {
    if (link.partition.kind === 'forward') return [this.#options.index];
    return Array.from({ length: this.#options.parallelism }, (_, peer) => peer);
  }

  #localChannel(link: Link): LocalChannel {
    const known = this.#local.get(link.id);
    if (known) return known;
    const channel = new LocalChannel(this.#options.settings.batchRecords);
    this.#local.set(link.id, channel);
    return channel;
  }
}
