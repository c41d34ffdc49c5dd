import * as z from 'zod';

/**
 * Why the network is suspected, and not the storage servers: `servers-away`, `checks-failing`, or what a newer release
 * knows besides.
 */
const suspicionReason = z.string();

/** Because the network is suspected, repair is paused. */
export const alarm = z.object({ reason: suspicionReason.nullable(), since: z.iso.datetime() });

/** That the network began to be suspected, and repair is paused; or that it no longer is. */
export const repairAlarm = z.object({ suspected: z.boolean(), reason: suspicionReason.nullable() });

export type RepairAlarm = z.infer<typeof repairAlarm>;
