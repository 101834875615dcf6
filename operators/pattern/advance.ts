/**
 * Takes a key's matches along the edges that have been decided on for one record.
 *
 * Invariant: new nodes are held before old ones are released, so that nothing that is still needed goes in between.
 */
import type { Edge } from './automaton.js';
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
    const first = partial[at + MATCH.first] as number;
    const firstTime = partial[at + MATCH.firstTime] as number;
    for (let choice = from; choice < end; choice += 1) {
      const { action } = this.decision.edges[choice] as Edge;
      if (stop && this.decision.completes[choice] !== true) continue;
      if (action === 'take') this.land(choice, this.take(choice, node), first, firstTime, this.time, stop);
      else this.land(choice, node, first, firstTime, partial[at + MATCH.lastTime] as number, stop);
    }
    release(this.matches, node);
  }

  /** A match begins with the record. */
  private start(partial: readonly number[], from: number, end: number, stop: boolean): void {
    this.kept ??= partial.slice();
    for (let choice = from; choice < end; choice += 1) {
      if (stop && this.decision.completes[choice] !== true) continue;
      const node = this.take(choice, NONE);
      this.land(choice, node, this.number, this.time, this.time, stop);
    }
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

  /** The match has come to the target of an edge, and may be complete besides. */
  private land(choice: number, node: number, first: number, firstTime: number, lastTime: number, stop: boolean): void {
    const { target } = this.decision.edges[choice] as Edge;
    if (this.decision.completes[choice] === true) {
      this.matches.complete.push(target.index, node, first, firstTime, lastTime);
      hold(this.matches, node);
    }
    if (target.kind === 'final' || stop) return;
    (this.kept as number[]).push(target.index, node, first, firstTime, lastTime);
    hold(this.matches, node);
  }
}

/** A match that ignores the record and waits as before does not change. */
function isWhereItWas({ action, target }: Edge, partial: readonly number[], at: number): boolean {
  return action === 'ignore' && target.index === partial[at + MATCH.state];
}
