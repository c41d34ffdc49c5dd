import * as z from 'zod';

/** Most files that are asked for in one message. */
export const mostFilesAsked = 1_000;

/** Verify or read capabilities of immutable files, or storage indexes in base32. */
export const askedFiles = z.array(z.string().max(1_000)).min(1).max(mostFilesAsked);

/** Those of the files that were asked for which are refused, and why. */
export const refusedFiles = z.array(
  z.object({
    /** In `files`, from 0. */
    position: z.int().min(0),
    /** `malformed`, `unsupported`, `literal` or `contradicts`; of what is to be removed also `being-done`. */
    code: z.string(),
    reason: z.string(),
  }),
);
