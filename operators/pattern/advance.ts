/**
 * Takes a key's matches along the edges that have been decided on for one record.
 *
 * Invariant: new nodes are held before old ones are released, so that nothing that is still needed goes in between.
 */
import type { Edge, State } from './automaton.js';
import type { Decision } from './decision.js';
import { addNode, addRow, hold, type KeyMatches, keepRecord, MATCH, NONE, release } from './key-matches.js';

export class Advance {
  private readonly decision: Decision;
  private matches!: KeyMatches;
  private record: unknown;
  private time = 0;
  /** Number and place of the record, once a match has taken it. */
  private number: number = NONE;
  private place: number = NONE;
  /** Number and time of the first record of the match at hand. */
  private first = 0;
  private firstTime = 0;
  /** The partial matches as they will be; null while nothing has changed. */
  private kept: number[] | null = null;

  constructor(decision: Decision) {
    this.decision = decision;
  }

  run(matches: KeyMatches, record: unknown, time: number): void {
    this.matches = matches;
    this.record = record;
    this.time = time;
    this.number = NONE;
    this.kept = null;
    this.goAll(matches.partial);
    if (this.kept !== null) matches.partial = this.kept;
    this.record = undefined;
  }

  private goAll(partial: readonly number[]): void {
    const { edges, ends, stops } = this.decision;
    let from = 0;
    for (let match = 0; match < ends.length; match += 1) {
      const at = match * MATCH.length;
      const end = ends[match] as number;
      const stop = stops[match] as boolean;
      if (end === from + 1 && !stop && isWhereItWas(edges[from] as Edge, partial, at)) this.stay(partial, at);
      else if (at < partial.length) this.go(partial, at, from, end, stop);
      else if (end > from) this.start(partial, from, end, stop);
      from = end;
    }
  }

  private stay(partial: readonly number[], at: number): void {
    if (this.kept !== null) addRow(this.kept, partial, at);
  }

  private go(partial: readonly number[], at: number, from: number, end: number, stop: boolean): void {
    this.kept ??= partial.slice(0, at);
    const node = partial[at + MATCH.node] as number;
    this.first = partial[at + MATCH.first] as number;
    this.firstTime = partial[at + MATCH.firstTime] as number;
    for (let choice = from; choice < end; choice += 1) {
      if (stop && !this.completes(choice)) continue;
      const { action } = this.decision.edges[choice] as Edge;
      if (action === 'take') this.land(choice, this.take(choice, node), this.time, stop);
      else this.land(choice, node, partial[at + MATCH.lastTime] as number, stop);
    }
    release(this.matches, node);
  }

  /** A match begins with the record. */
  private start(partial: readonly number[], from: number, end: number, stop: boolean): void {
    this.kept ??= partial.slice();
    this.firstTime = this.time;
    for (let choice = from; choice < end; choice += 1) {
      if (stop && !this.completes(choice)) continue;
      const node = this.take(choice, NONE);
      this.first = this.number;
      this.land(choice, node, this.time, stop);
    }
  }

  private completes(choice: number): boolean {
    const { action, target } = this.decision.edges[choice] as Edge;
    return action === 'take' && (target.kind === 'final' || this.decision.ways[choice]?.kind === 'final');
  }

  private take(choice: number, node: number): number {
    const { matches } = this;
    if (this.number === NONE) {
      this.number = matches.next;
      matches.next += 1;
      this.place = keepRecord(matches, this.record, this.number);
    }
    return addNode(matches, this.place, (this.decision.edges[choice] as Edge).step, node);
  }

  /** The match has come to the target of an edge, and perhaps to the end besides. What is complete stays so at a stop. */
  private land(choice: number, node: number, lastTime: number, stop: boolean): void {
    const { target } = this.decision.edges[choice] as Edge;
    const way = this.decision.ways[choice] as State | null;
    if (target.kind === 'final' || !stop) this.add(target, node, lastTime);
    if (way !== null && (way.kind === 'final' || !stop)) this.add(way, node, lastTime);
  }

  private add({ kind, index }: State, node: number, lastTime: number): void {
    const rows = kind === 'final' ? this.matches.complete : (this.kept as number[]);
    rows.push(index, node, this.first, this.firstTime, lastTime);
    hold(this.matches, node);
  }
}

/** A match that ignores the record and waits as before does not change. */
function isWhereItWas({ action, target }: Edge, partial: readonly number[], at: number): boolean {
  return action === 'ignore' && target.index === partial[at + MATCH.state];
}
