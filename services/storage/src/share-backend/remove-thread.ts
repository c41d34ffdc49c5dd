import { answerCalls } from '../worker-calls.js';
import type { Place, PlacingFailure } from './place-batch.js';
import { removeBatch } from './remove-batch.js';

/** What a thread is asked to remove: one batch a call. */
export type RemoveCall = readonly Place[];

/** For each of the batch why it is still there. */
export type RemoveResult = readonly (PlacingFailure | undefined)[];

answerCalls<RemoveCall, RemoveResult>(removeBatch);
