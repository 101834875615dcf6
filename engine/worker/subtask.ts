/**
 * One parallel instance of a chain: a source loop or a gate at its head, stages behind it. This is the boundary that
 * any engine can host: records and controls come and go by channels, state by rows of key groups, everything else
 * by `SubtaskHost`. Nothing here knows of threads, rings, a coordinator, or how many chains live beside it.
 *
 * A subtask is driven by `step`, one batch or control at a time. After `end` has passed it, it goes on relaying
 * barriers until it is closed.
 */
import { Batch, Inbox } from '../../core/batch.js';
import type { ErrorPlace, MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { Random } from '../../core/random.js';
import { TIME_MIN } from '../../core/time.js';
import type { OperatorContext, OperatorFactory } from '../../operators/operator.js';
import type { SinkContext } from '../../operators/sink.js';
import type { KeyedState, RowWriter, StateRow } from '../../state/backend.js';
import type { InputChannel, OutputChannel } from '../exchange/channel.js';
import { Gate, type GateInput } from '../exchange/gate.js';
import { LinkWriter } from '../exchange/link-writer.js';
import type { Chain, ChainedNode, ChainOutput, Link, PhysicalPlan } from '../graph/chain.js';
import type { LogicalNode } from '../graph/nodes.js';
import type { AssignedSplit } from './active-split.js';
import type { Downstream } from './downstream.js';
import { eventTimeFactory } from './event-time-operator.js';
import type { StageMetrics, SubtaskMetrics } from './metrics.js';
import type { EngineSettings } from './settings.js';
import { SinkOperator } from './sink-operator.js';
import { SourceLoop } from './source-loop.js';
import { Stage } from './stage.js';
import { SnapshotCollector, type SubtaskSnapshot } from './subtask-snapshot.js';

/** Everything a subtask is told when it is opened. */
export interface SubtaskHello {
  readonly plan: PhysicalPlan;
  readonly chain: Chain;
  readonly subtask: number;
  readonly parallelism: number;
  readonly runId: string;
  readonly settings: EngineSettings;
  /** Number of the checkpoint it starts from; 0 without one. */
  readonly epoch: number;
  /** What that checkpoint holds for it, by operator uid. */
  readonly restored: ReadonlyMap<string, readonly unknown[]>;
  /** The watermark that had passed it there; TIME_MIN without a checkpoint. */
  readonly watermark: number;
  /** Those that had passed all chains there, by the uid of a chain's head. */
  readonly watermarks?: ReadonlyMap<string, number> | undefined;
  /** State of its random generator there. */
  readonly random: readonly number[] | undefined;
}

/** What is noted of an operator's calls: see `CallJournal`. */
export interface OperatorCalls {
  readonly restored: readonly unknown[];
  /** `checkpoint`: the last one whose barrier the operator has passed. */
  note(checkpoint: number, key: unknown, entry: unknown): void;
  durable(): Promise<void>;
}

/** What a subtask asks of whoever hosts it. */
export interface SubtaskHost {
  readonly host: Host;
  /** Channels of a link that arrives here, one a producer subtask (only its own for forward links). */
  inputs(link: Link): readonly InputChannel[];
  /** Channels of a link that leaves here, one a consumer subtask (only its own for forward links). */
  outputs(link: Link): readonly OutputChannel[];
  keyedState(uid: string): KeyedState;
  /** Where an operator's rows of a checkpoint go; undefined where none are kept. */
  rowWriter(uid: string, checkpoint: number): RowWriter | undefined;
  /** How long records have waited for an operator's state to be cut; for metrics. */
  sealed?(ms: number): void;
  /** Have it stepped soon. Callable at any time. */
  wake(): void;
  fail(error: MillraceError): void;
  /** Where an operator's calls to the outside are noted; undefined: nowhere. */
  calls?(uid: string): OperatorCalls | undefined;
  /** Something here waits for a checkpoint. */
  askForCheckpoint?(): void;
  /** Everything of a checkpoint is durable on this side. */
  acknowledge(snapshot: SubtaskSnapshot): void;
  /** The end of input has passed; handles to commit, by sink uid. */
  ended(handles: ReadonlyMap<string, readonly unknown[]>): void;
  /** How far the slowest split of a source has come whose splits are aligned. */
  progressed?(uid: string, watermark: number): void;
  /** Results for the program that runs the job; false when it has no room for more. */
  collect(uid: string, records: readonly unknown[]): boolean;
}

export class Subtask {
  readonly chain: Chain;
  readonly index: number;
  readonly #hello: SubtaskHello;
  readonly #host: SubtaskHost;
  readonly #stages: Stage[] = [];
  readonly #sinks = new Map<string, SinkOperator>();
  readonly #writers: LinkWriter[] = [];
  readonly #source: SourceLoop | undefined;
  readonly #gate: Gate | undefined;
  readonly #inbox = new Inbox(new Batch(0));
  readonly #random: Random;
  readonly #collector: SnapshotCollector;
  /** The last checkpoint that has been triggered. */
  #begun = 0;
  #ended = false;

  constructor(hello: SubtaskHello, host: SubtaskHost) {
    this.#hello = hello;
    this.#host = host;
    this.chain = hello.chain;
    this.index = hello.subtask;
    this.#random = new Random(host.host.random());
    if (hello.random) this.#random.restore(hello.random);
    this.#collector = new SnapshotCollector(
      this.chain,
      this.index,
      (snapshot) => host.acknowledge(snapshot),
      this.#common,
      this.#fail,
    );
    const downstream = new Map<number, Downstream>();
    // From the tail, so that every stage finds its consumers made.
    for (const chained of [...this.chain.nodes].reverse()) {
      if (chained.node.kind !== 'source') downstream.set(chained.node.id, this.#makeStage(chained, downstream));
    }
    this.#stages.reverse();
    const head = this.chain.nodes[0] as ChainedNode;
    if (head.node.kind === 'source') this.#source = this.#makeSource(head, downstream);
    else
      this.#gate = new Gate(
        this.chain.inputs.flatMap((link) => this.#gateInputs(link)),
        hello.watermark,
      );
    this.#inbox.batch = new Batch(hello.settings.batchRecords);
  }

  /** Puts back rows of keyed state that a checkpoint holds: before `open`. */
  restore(uid: string, row: StateRow): void {
    this.#stages.find(({ node }) => node.uid === uid)?.state?.restore(row);
  }

  /** Opens every operator; resolves when records may come. */
  async open(): Promise<void> {
    let heldBack = false;
    for (const stage of this.#stages) {
      if (heldBack) stage.forgetWatermark();
      await stage.operator.open?.();
      heldBack ||= stage.operator.ownWatermark !== undefined;
    }
    if (this.#gate) this.#stages[0]?.repeatWatermark();
  }

  /** One batch or control; false when there is nothing to do, or no room for what it puts out. */
  step(): boolean {
    const woken = this.#drainRestless();
    const stepped = this.#source ? this.#source.step() : this.#stepGate(this.#gate as Gate);
    if (!this.#ended) this.#checkEnd();
    return woken || stepped;
  }

  /** Sends what waits for full batches, and wakes who is still asleep over it; true when something was sent. */
  flush(): boolean {
    let sent = false;
    for (const writer of this.#writers) {
      const { pending } = writer;
      sent = (writer.flush() && pending) || sent;
    }
    return sent;
  }

  /** Deals splits to the source at its head. `final`: there will be no more. */
  assign(splits: readonly AssignedSplit[], final: boolean): void {
    this.#source?.assign(splits, final);
  }

  /** Injects a barrier at the source; subtasks with inputs get it from their channels, and know that it will come. */
  trigger(checkpoint: number, last: boolean): void {
    this.#begun = checkpoint;
    for (const stage of this.#stages) stage.wake();
    this.#source?.trigger(checkpoint, last);
  }

  /** Writes some of the rows that the last barrier has sealed; true once none is left. */
  drainSealed(rows: number): boolean {
    let drained = true;
    for (const stage of this.#stages) drained = stage.drainSealed(rows) && drained;
    return drained;
  }

  stop(drain: boolean): void {
    this.#source?.stop(drain);
  }

  /** Has the source read nothing meanwhile. */
  hold(held: boolean): void {
    this.#source?.hold(held);
  }

  /** So far have the slowest splits of an alignment group come. */
  align(group: string, watermark: number): void {
    if ((this.chain.nodes[0] as ChainedNode).eventTime?.align?.group === group) this.#source?.align(watermark);
  }

  /** Has the operator called though nothing has come for it. */
  wakeStage(uid: string): void {
    this.#stages.find((stage) => stage.node.uid === uid)?.wake();
  }

  complete(checkpoint: number): void {
    for (const stage of this.#stages) stage.operator.onCheckpointComplete?.(checkpoint);
  }

  abort(checkpoint: number): void {
    for (const stage of this.#stages) stage.operator.onCheckpointAborted?.(checkpoint);
  }

  /** Keyed state as rows, by operator uid: what a snapshot holds, whatever the backend. */
  *rows(): Iterable<readonly [uid: string, row: StateRow]> {
    for (const stage of this.#stages) {
      if (stage.state) for (const row of stage.state.rows()) yield [stage.node.uid, row];
    }
  }

  metrics(): SubtaskMetrics {
    const head = this.#source && {
      uid: (this.chain.nodes[0] as ChainedNode).node.uid,
      recordsIn: 0,
      recordsOut: this.#source.outputs[0]?.recordsOut ?? 0,
      watermark: this.#source.watermark,
      idle: this.#source.idle,
      keys: 0,
      meters: [],
    };
    const stages = this.#stages.map(stageMetrics);
    return { chain: this.chain.id, subtask: this.index, stages: head ? [head, ...stages] : stages };
  }

  async close(): Promise<void> {
    const closing = [this.#source?.close(), ...this.#stages.map((stage) => stage.close())];
    await Promise.allSettled(closing);
  }

  readonly #common = (): { watermark: number; random: readonly number[] } => ({
    watermark: this.#source?.watermark ?? this.#gate?.watermark ?? TIME_MIN,
    random: this.#random.state,
  });

  readonly #fail = (error: MillraceError): void => this.#host.fail(error);

  #stepGate(gate: Gate): boolean {
    const head = this.#stages[0] as Stage;
    if (!head.drain()) return false;
    const element = gate.next(this.#inbox);
    if (element === undefined) return false;
    if (element === 'records') head.offerAt(this.#inbox.batch, this.#inbox.port);
    else head.offerControl(element);
    head.drain();
    return true;
  }

  /**
   * Stages that called `wake`, or whose outputs found no room: what is upstream of them may have nothing more to offer.
   * From the tail, so that room is made before more comes. A stage that is still blocked counts as nothing done.
   */
  #drainRestless(): boolean {
    let progress = false;
    for (let at = this.#stages.length - 1; at >= 0; at -= 1) {
      const stage = this.#stages[at] as Stage;
      if (stage.restless) progress = stage.drain() || stage.eager || progress;
    }
    return progress;
  }

  #checkEnd(): void {
    if (!this.#collector.ended) return;
    this.#ended = true;
    this.#host.ended(new Map([...this.#sinks].map(([uid, sink]) => [uid, sink.handles ?? []])));
  }

  // Building

  #makeStage(chained: ChainedNode, downstream: ReadonlyMap<number, Downstream>): Stage {
    const { node } = chained;
    const { settings } = this.#hello;
    const stage = new Stage({
      node,
      factory: this.#factoryOf(node),
      restored: this.#hello.restored.get(node.uid) ?? [],
      consumers: this.#consumersOf(chained, downstream),
      batchRecords: settings.batchRecords,
      state: node.kind === 'operator' && node.keyed ? this.#host.keyedState(node.uid) : undefined,
      context: {
        subtask: this.index,
        parallelism: this.#hello.parallelism,
        host: this.#host.host,
        random: () => this.#random.next(),
        restoredWatermark: (uid) => this.#hello.watermarks?.get(uid) ?? TIME_MIN,
      },
      watermark: this.#hello.watermark,
      begun: () => this.#begun,
      rowWriter: (uid, checkpoint) => this.#host.rowWriter(uid, checkpoint),
      sealed: (ms) => this.#host.sealed?.(ms),
      cutAt: this.#hello.epoch,
      calls: this.#host.calls?.(node.uid),
      askForCheckpoint: () => this.#host.askForCheckpoint?.(),
      wake: () => this.#host.wake(),
      fail: this.#fail,
      snapshot: (of, checkpoint, snapshot) => this.#collector.operator(of.uid, checkpoint, snapshot),
      ended: (of) => this.#collector.endedAt(of.uid),
      position: () => this.#source?.position,
    });
    this.#stages.push(stage);
    return stage;
  }

  #factoryOf(node: LogicalNode): OperatorFactory {
    switch (node.kind) {
      case 'operator':
        return node.factory;
      case 'event-time':
        return eventTimeFactory(node.eventTime, this.#hello.settings.watermarkMs);
      case 'sink':
        return (context, restored) => {
          const sink = new SinkOperator(node.sink.writer(this.#sinkContext(node.uid, context)), context, restored);
          this.#sinks.set(node.uid, sink);
          return sink;
        };
      case 'source':
        throw new TypeError('a source has no stage');
    }
  }

  #sinkContext(uid: string, context: OperatorContext): SinkContext {
    const { plan, runId, epoch, parallelism } = this.#hello;
    return {
      job: plan.logical.job,
      uid,
      subtask: this.index,
      parallelism,
      runId,
      epoch,
      host: this.#host.host,
      wake: () => context.wake(),
      fail: (error) => context.fail(error),
      collect: (records) => this.#host.collect(uid, records),
    };
  }

  #makeSource(head: ChainedNode, downstream: ReadonlyMap<number, Downstream>): SourceLoop {
    const { settings } = this.#hello;
    const node = head.node as Extract<LogicalNode, { kind: 'source' }>;
    return new SourceLoop({
      node,
      eventTime: head.eventTime,
      consumers: this.#consumersOf(head, downstream),
      subtask: this.index,
      host: this.#host.host,
      batchRecords: settings.batchRecords,
      watermarkMs: settings.watermarkMs,
      wake: () => this.#host.wake(),
      fail: this.#fail,
      snapshot: (checkpoint, splits) => this.#collector.source(checkpoint, splits),
      progressed: (watermark) => this.#host.progressed?.(node.uid, watermark),
      ended: () => this.#collector.endedAt(node.uid),
    });
  }

  #consumersOf(chained: ChainedNode, downstream: ReadonlyMap<number, Downstream>): Downstream[][] {
    return chained.outputs.map((output) => [
      ...output.chained.map((id) => downstream.get(id) as Downstream),
      ...this.#linkWriters(output),
    ]);
  }

  #linkWriters(output: ChainOutput): LinkWriter[] {
    const { plan, settings } = this.#hello;
    const nodeOf = (id: number): LogicalNode => plan.logical.nodes.find((node) => node.id === id) as LogicalNode;
    return output.links.map((link) => {
      const consumer = nodeOf(link.to.node);
      const producer = nodeOf(link.from.node);
      const writer = new LinkWriter({
        partition: link.partition,
        channels: this.#host.outputs(link),
        maxParallelism: plan.logical.maxParallelism,
        batchRecords: settings.batchRecords,
        consumer: this.#placeOf(consumer),
        producer: this.#placeOf(producer),
        position: () => this.#source?.position,
        random: () => this.#random.next(),
      });
      this.#writers.push(writer);
      return writer;
    });
  }

  #placeOf({ uid, declaredAt }: LogicalNode): ErrorPlace {
    return { operator: uid, subtask: this.index, declaredAt };
  }

  #gateInputs(link: Link): GateInput[] {
    const selector = link.partition.kind === 'hash' ? link.partition.selector : undefined;
    return this.#host
      .inputs(link)
      .map((channel) => ({ channel, port: link.to.port, selector: channel.keysTravel ? undefined : selector }));
  }
}

function stageMetrics(stage: Stage): StageMetrics {
  return {
    uid: stage.node.uid,
    recordsIn: stage.recordsIn,
    recordsOut: stage.outputs[0]?.recordsOut ?? 0,
    watermark: stage.watermark,
    idle: false,
    keys: stage.state?.keyCount ?? 0,
    meters: stage.operator.meters?.() ?? [],
  };
}
