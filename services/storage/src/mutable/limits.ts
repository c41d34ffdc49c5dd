/** Most shares that a slot may have: the formats have no more. */
export const mostShares = 256;

/** Most bytes that one request may read of a slot: all of it is in memory at once. Reading one share has no limit. */
export const mostReadAtOnce = 4 * 1024 * 1024;

/** Of the largest share, how many times as much one request may write: a vector far out makes much of few bytes. */
export const mostWrittenAtOnce = 4;

/** Most requests that may wait for one slot. */
export const mostWaiting = 256;

/** Most slots that are worked on at a time: each has all its shares open. */
export const mostSlotsAtOnce = 64;
