/**
 * Which edges a record takes a partial match along. Asked for all matches of a key before any is changed.
 *
 * Edges come in the order in which Flink would go along them: those of a state before those of the states that it
 * proceeds to, of which the last comes first. A state is looked at once, however many ways proceed to it.
 */
import type { Edge, State } from './automaton.js';
import type { Evaluation } from './evaluation.js';

export class Decision {
  /** `take` and `ignore` edges to go along, of one match after another. */
  readonly edges: Edge[] = [];
  /** Beside each edge: where else the match then is: at the end, or waiting for its time to be over. */
  readonly ways: (State | null)[] = [];
  /** For each match, where its edges end. */
  readonly ends: number[] = [];
  /** For each match, whether it is given up. */
  readonly stops: boolean[] = [];
  private readonly evaluation: Evaluation;
  private readonly stack: State[] = [];
  private visit = 0;

  constructor(evaluation: Evaluation) {
    this.evaluation = evaluation;
  }

  clear(): void {
    this.edges.length = 0;
    this.ways.length = 0;
    this.ends.length = 0;
    this.stops.length = 0;
  }

  /** The record came so long after the match's last one. */
  decide(state: State, sinceMs: number): void {
    this.add(state, sinceMs, true);
  }

  /** For the match that is still to begin: there is nothing that could go on waiting. */
  decideStart(state: State): void {
    this.add(state, 0, false);
  }

  private add(from: State, sinceMs: number, begun: boolean): void {
    const { evaluation, stack } = this;
    let stops = false;
    this.visit += 1;
    this.push(from);
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      if (evaluation.isShut(state)) continue;
      const late = sinceMs >= state.withinMs;
      for (const edge of state.edges) {
        if (late && (edge.action === 'take' || edge.action === 'ignore')) continue;
        if ((!begun && edge.action === 'ignore') || !evaluation.holds(edge.guard)) continue;
        if (edge.action === 'proceed') this.proceed(state, edge.target);
        else if (edge.action === 'stop') stops = true;
        else this.choose(edge);
      }
    }
    this.ends.push(this.edges.length);
    this.stops.push(stops);
  }

  private choose(edge: Edge): void {
    this.edges.push(edge);
    const { target, action } = edge;
    this.ways.push(target.kind === 'waiting' && action === 'take' ? this.wayOut(target) : null);
  }

  /** A match that may end by time alone has been at that place since its last record. */
  private proceed(from: State, target: State): void {
    if (target.kind !== 'pending' || from.looksAhead) this.push(target);
  }

  private push(state: State): void {
    if (state.seen === this.visit) return;
    state.seen = this.visit;
    this.stack.push(state);
  }

  /**
   * What else a state proceeds to at once, with the record that has been taken: the end, or the wait for it. A greedy step
   * has got that record, so its gates are open.
   */
  private wayOut(from: State): State | null {
    const seen = new Set<State>([from]);
    for (const state of seen) {
      if (state.kind !== 'waiting') return state;
      if (state.looksAhead) continue;
      for (const { action, target, guard } of state.edges) {
        if (action === 'proceed' && this.evaluation.holds(guard)) seen.add(target);
      }
    }
    return null;
  }
}
