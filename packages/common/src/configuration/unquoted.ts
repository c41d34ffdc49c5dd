import type * as z from 'zod';

const unquoted = { unquoted: true };

/**
 * Refuses a value that may have a secret in it, such as the password of a mistyped URL: whoever tells the error of a
 * configuration does not quote it.
 */
export function refuseUnquoted(context: z.RefinementCtx, message: string): void {
  // Without `input`, so that nobody else has it to quote either.
  context.addIssue({ code: 'custom', message, input: undefined, params: unquoted });
}

/** Whether what was found is not to be told. */
export function isUnquoted(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'custom' && issue.params?.['unquoted'] === true;
}
