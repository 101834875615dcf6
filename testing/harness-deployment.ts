/**
 * The subtasks of a job under test, and the channels between them, from a start to a kill. Between chains records go
 * through real rings, so that what would not survive the way to another worker does not survive here either.
 *
 * Chains that follow a source directly have a subtask for each of its channels, as if they ran where the source does; a
 * capture has one; all others have `parallelism`.
 */
import type { Manifest } from '../checkpoint/manifest.js';
import { newestRows } from '../checkpoint/newest-rows.js';
import { RowsFileWriter } from '../checkpoint/rows-file.js';
import type { Control } from '../core/control.js';
import type { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';
import { TIME_MIN } from '../core/time.js';
import { dealManifest } from '../engine/coordinator/recovery.js';
import type { InputChannel, OutputChannel } from '../engine/exchange/channel.js';
import { LocalChannel } from '../engine/exchange/local-channel.js';
import { Ring } from '../engine/exchange/ring.js';
import { RingInputChannel, RingOutputChannel } from '../engine/exchange/ring-channel.js';
import type { Chain, ChainedNode, Link, PhysicalPlan } from '../engine/graph/chain.js';
import type { LogicalNode, Partition } from '../engine/graph/nodes.js';
import type { EngineSettings } from '../engine/worker/settings.js';
import { Subtask, type SubtaskHello, type SubtaskHost } from '../engine/worker/subtask.js';
import type { SubtaskSnapshot } from '../engine/worker/subtask-snapshot.js';
import type { StateRow } from '../state/backend.js';
import { MemoryState } from '../state/memory/memory-state.js';
import { HarnessChannel } from './harness-channel.js';
import type { RowsFiles } from './harness-snapshot.js';

export interface DeploymentOptions {
  readonly plan: PhysicalPlan;
  readonly settings: EngineSettings;
  readonly host: Host;
  readonly parallelism: number;
  /** Of each source. */
  readonly channels: number;
  /** What it starts from. */
  readonly from: { readonly manifest: Manifest; readonly files: RowsFiles } | undefined;
}

/** Edges that lead forward from a source: cut, so that the test can stand in its place. */
export const FROM_SOURCE: Partition = Object.freeze({ kind: 'rebalance' });

/** Edges that lead into a capture, of which there is one for all subtasks. */
export const TO_CAPTURE: Partition = Object.freeze({ kind: 'rebalance' });

/** What a barrier has cut. */
export interface Cut {
  readonly snapshots: readonly SubtaskSnapshot[];
  /** Rows that have changed since the last one, by number of the subtask. */
  readonly rows: readonly RowsFileWriter[];
}

const RING_BYTES = 1 << 16;
const SILENT = { ring: () => {} };

export class HarnessDeployment {
  /** Channels of each source, for each link that leaves it. */
  readonly inputs = new Map<string, HarnessChannel[][]>();
  failure: MillraceError | undefined;
  readonly #options: DeploymentOptions;
  readonly #subtasks: Subtask[] = [];
  readonly #channels = new Map<string, { readonly input: InputChannel; readonly output: OutputChannel }>();
  #cut: { readonly snapshots: SubtaskSnapshot[]; readonly rows: RowsFileWriter[] } | undefined;

  constructor(options: DeploymentOptions) {
    this.#options = options;
    const { plan } = options;
    for (const link of plan.links) if (this.#nodeOf(link).kind === 'source') this.#addInput(link);
    for (const chain of plan.chains) {
      if (chain.nodes[0]?.node.kind === 'source') continue;
      const count = this.#countOf(chain.id);
      for (let at = 0; at < count; at += 1) this.#subtasks.push(this.#makeSubtask(chain, at, count));
    }
  }

  async open(): Promise<void> {
    await this.#restoreRows();
    for (const subtask of this.#subtasks) await subtask.open();
  }

  /** Runs everything that can run now; throws what the job has failed with. */
  settle(): void {
    let busy = true;
    while (busy && !this.failure) {
      busy = false;
      for (const subtask of this.#subtasks) {
        while (subtask.step()) busy = true;
        busy = subtask.flush() || busy;
      }
    }
    if (this.failure) throw this.failure;
  }

  control(source: string, control: Control, channel: number | undefined): void {
    for (const channels of this.inputs.get(source) ?? [])
      for (const each of channel === undefined ? channels : [channels[channel] as HarnessChannel])
        each.control(control);
  }

  /** Sends a barrier on all inputs. */
  barrier(checkpoint: number): void {
    const rows = Array.from({ length: this.#options.parallelism }, () => new RowsFileWriter());
    this.#cut = { snapshots: [], rows };
    for (const subtask of this.#subtasks) subtask.trigger(checkpoint, false);
    for (const source of this.inputs.keys()) {
      this.control(source, { kind: 'barrier', checkpoint, last: false }, undefined);
    }
  }

  /** What the last barrier has cut, once it has passed everywhere. */
  takeCut(): Cut | undefined {
    const cut = this.#cut;
    if (!cut || cut.snapshots.length < this.#subtasks.length) return undefined;
    for (const subtask of this.#subtasks) while (!subtask.drainSealed(Number.MAX_SAFE_INTEGER));
    this.#cut = undefined;
    return cut;
  }

  /** The checkpoint is there to go on from. */
  complete(checkpoint: number): void {
    for (const subtask of this.#subtasks) subtask.complete(checkpoint);
  }

  *rows(): Iterable<readonly [uid: string, row: StateRow]> {
    for (const subtask of this.#subtasks) yield* subtask.rows();
  }

  async close(): Promise<void> {
    await Promise.all(this.#subtasks.map((subtask) => subtask.close()));
  }

  #nodeOf(link: Link): LogicalNode {
    return this.#options.plan.logical.nodes.find(({ id }) => id === link.from.node) as LogicalNode;
  }

  /** How many subtasks a chain has. */
  #countOf(chain: number): number {
    const { plan, channels, parallelism } = this.#options;
    const { nodes, inputs } = plan.chains[chain] as Chain;
    if (nodes[0]?.node.kind === 'source') return channels;
    if (inputs.every(({ partition }) => partition === TO_CAPTURE)) return 1;
    if (!inputs.every(isForward)) return parallelism;
    return Math.max(...inputs.map((link) => this.#countOf(link.from.chain)));
  }

  #makeSubtask(chain: Chain, subtask: number, parallelism: number): Subtask {
    const { plan, settings, from } = this.#options;
    const restore = from && dealManifest(from.manifest, plan.logical, parallelism)[subtask];
    const head = (chain.nodes[0] as ChainedNode).node.uid;
    const hello: SubtaskHello = {
      plan,
      chain,
      subtask,
      parallelism,
      runId: 'harness',
      epoch: from?.manifest.epoch ?? 0,
      settings,
      restored: restore?.states ?? new Map(),
      watermark: restore?.watermarks.get(head) ?? TIME_MIN,
      watermarks: restore?.watermarks,
      random: restore?.randoms.get(head),
    };
    return new Subtask(hello, this.#hostOf(subtask));
  }

  #hostOf(subtask: number): SubtaskHost {
    const { plan, host } = this.#options;
    return {
      host,
      inputs: (link) => this.#inputsOf(link, subtask),
      outputs: (link) => this.#outputsOf(link, subtask),
      keyedState: () => new MemoryState({ maxParallelism: plan.logical.maxParallelism, journal: true }),
      rowWriter: (uid) => this.#cut?.rows[subtask]?.of(uid),
      wake: () => {},
      fail: (error) => {
        this.failure = error;
      },
      acknowledge: (snapshot) => this.#cut?.snapshots.push(snapshot),
      ended: () => {},
      collect: () => true,
    };
  }

  async #restoreRows(): Promise<void> {
    const { from, parallelism, plan } = this.#options;
    if (!from) return;
    for (const [subtask, { files, keyGroups }] of dealManifest(from.manifest, plan.logical, parallelism).entries()) {
      for await (const row of newestRows(from.files, files, keyGroups)) {
        const owner = this.#subtasks.find(
          ({ chain, index }) => index === subtask && chain.nodes.some(({ node }) => node.uid === row.operator),
        );
        owner?.restore(row.operator, row);
      }
    }
  }

  // Channels

  #addInput(link: Link): void {
    const { channels: count, plan } = this.#options;
    const { partition } = link;
    const { maxParallelism } = plan.logical;
    const consumers = this.#countOf(link.to.chain);
    const channels = Array.from(
      { length: count },
      (_, producer) =>
        new HarnessChannel({ partition, consumers, producer, forward: partition === FROM_SOURCE, maxParallelism }),
    );
    const { uid } = this.#nodeOf(link);
    this.inputs.set(uid, [...(this.inputs.get(uid) ?? []), channels]);
    for (const [producer, channel] of channels.entries()) {
      for (let consumer = 0; consumer < consumers; consumer += 1) {
        const input = channel.queue(consumer);
        if (input) this.#channels.set(nameOf(link, producer, consumer), { input, output: NO_OUTPUT });
      }
    }
  }

  #inputsOf(link: Link, consumer: number): readonly InputChannel[] {
    const consumers = this.#countOf(link.to.chain);
    return this.#each(this.#countOf(link.from.chain), (producer) => {
      if (isForward(link) && producer % consumers !== consumer) return undefined;
      return this.#channel(link, producer, consumer).input;
    });
  }

  #outputsOf(link: Link, producer: number): readonly OutputChannel[] {
    const consumers = this.#countOf(link.to.chain);
    return this.#each(consumers, (consumer) => {
      if (isForward(link) && producer % consumers !== consumer) return undefined;
      return this.#channel(link, producer, consumer).output;
    });
  }

  #each<T>(count: number, at: (index: number) => T | undefined): T[] {
    return Array.from({ length: count }, (_, index) => at(index)).filter((each) => each !== undefined);
  }

  #channel(link: Link, producer: number, consumer: number) {
    const name = nameOf(link, producer, consumer);
    const known = this.#channels.get(name);
    if (known) return known;
    const { batchRecords } = this.#options.settings;
    const local = link.partition.kind === 'forward' || link.partition === TO_CAPTURE;
    const made = local ? localPair(batchRecords) : ringPair(link);
    this.#channels.set(name, made);
    return made;
  }
}

function isForward({ partition }: Link): boolean {
  return partition.kind === 'forward' || partition === FROM_SOURCE;
}

function nameOf({ id }: Link, producer: number, consumer: number): string {
  return `${id}:${producer}:${consumer}`;
}

/** The test writes in its place. */
const NO_OUTPUT: OutputChannel = { send: (_batch, from) => from, sendControl: () => false };

function localPair(batchRecords: number): { input: InputChannel; output: OutputChannel } {
  const channel = new LocalChannel(batchRecords);
  return { input: channel, output: channel };
}

function ringPair(link: Link): { input: InputChannel; output: OutputChannel } {
  const buffer = Ring.allocate(RING_BYTES);
  return {
    input: new RingInputChannel(new Ring(buffer), SILENT),
    output: new RingOutputChannel(new Ring(buffer), SILENT, { keyed: link.partition.kind === 'hash' }),
  };
}
