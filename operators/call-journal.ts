/**
 * Notes of calls to the outside (of models, of tools), which outlive a failure before the next checkpoint: after it the
 * operator learns which calls had been begun, and what had been answered. Kept apart from state, in files that are only
 * ever appended to.
 */
export interface CallJournal {
  /**
   * What was noted, by whichever worker and attempt, since the checkpoint that the job goes on from, about keys that are
   * this subtask's now; in the order in which each of them noted it.
   */
  readonly restored: readonly unknown[];
  /** Notes something about a key: plain data. It is durable once a later `durable` says so. */
  note(key: unknown, entry: unknown): void;
  /** Resolves when everything noted so far survives a power cut; many calls share one write. */
  durable(): Promise<void>;
}
