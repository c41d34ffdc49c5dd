import { answerCalls } from '../worker-calls.js';
import { BatchPlacer, type Placing, type PlacingFailure } from './place-batch.js';

/** What the thread is asked to place: one batch a call. */
export type PlaceCall = readonly Placing[];

/** For each of the batch why it failed. */
export type PlaceResult = readonly (PlacingFailure | undefined)[];

const placer = new BatchPlacer();
answerCalls<PlaceCall, PlaceResult>((batch) => placer.place(batch));
