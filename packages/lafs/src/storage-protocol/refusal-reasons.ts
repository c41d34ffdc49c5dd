/*
 * Why a server refuses: an extension of ours, told of in docs/protocol.md. Other clients show the words of the body. A
 * client of ours takes nothing from there, as a server may say anything, but it knows these reasons by name.
 */

/** The header of an answer in which a server names why it refuses. */
export const refusalReasonHeader = 'Holdfast-Reason';

/** What requests are refused for, in words for people. */
export const refusalReasons = {
  'account-frozen': 'this account is frozen: it can read and renew, but store nothing new',
  'quota-exceeded': 'the quota of this account does not allow it',
  'server-leaving': 'this server is leaving the grid: it takes no new shares',
} as const;

/** The name of a reason. */
export type RefusalReason = keyof typeof refusalReasons;

/** Whether a text is the name of a reason. */
export function isRefusalReason(text: unknown): text is RefusalReason {
  return typeof text === 'string' && Object.hasOwn(refusalReasons, text);
}
