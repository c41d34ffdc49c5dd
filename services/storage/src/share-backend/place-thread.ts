import { answerCalls } from '../worker-calls.js';
import { BatchPlacer, type Place, type Placing, type PlacingFailure } from './place-batch.js';

/** What the thread is asked to do, one batch a call. */
export type PlaceCall =
  | { readonly kind: 'place'; readonly batch: readonly Placing[] }
  | { readonly kind: 'remove'; readonly batch: readonly Place[] };

/** For each of the batch why it failed. */
export type PlaceResult = readonly (PlacingFailure | undefined)[];

const placer = new BatchPlacer();
answerCalls<PlaceCall, PlaceResult>((call) =>
  call.kind === 'place' ? placer.place(call.batch) : placer.remove(call.batch),
);
