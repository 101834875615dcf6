/**
 * Whoever reads an output batch: a chained operator's stage, or the writer of a link.
 *
 * The producer offers a batch or a control, then drains until that returns true, and only then offers the next or
 * touches the batch. A drain that returns false is repeated later; nothing is lost or done twice.
 */
import type { Batch } from '../../core/batch.js';
import type { Control } from '../../core/control.js';

export interface Downstream {
  offer(batch: Batch): void;
  offerControl(control: Control): void;
  /** Works on what was offered; true once all of it is done with. */
  drain(): boolean;
}
