/**
 * Entry of the thread that merges files of rows.
 */
import type { FileRef } from '../../checkpoint/manifest.js';
import type { MergeTask } from '../../checkpoint/merge.js';
import { mergeIn } from '../../checkpoint/merge-in.js';
import { asMillraceError, type ErrorData } from '../../core/errors.js';
import { NodeStorage } from './node-storage.js';

export interface MergeRequest {
  readonly stateDirectory: string;
  readonly task: MergeTask;
}

/** Errors come back as data: class and code of a thrown one would be lost on the way. */
export default async function merge(request: MergeRequest): Promise<{ file: FileRef } | { error: ErrorData }> {
  try {
    return { file: await mergeIn(new NodeStorage(), request.stateDirectory, request.task) };
  } catch (error) {
    return { error: asMillraceError(error, 'MILL_CHECKPOINT_FAILED').toJSON() };
  }
}
