import { announcementFields, nodeSettings } from '@holdfast/common/configuration';
import { busSettings, refuseRevealing, refuseUnreachableBus } from '@holdfast/common/connections';
import * as z from 'zod';

/** An introducer's `node.yaml`. */
export const nodeConfiguration = z
  .strictObject({
    service: z.literal('introducer'),
    ...nodeSettings,
    ...busSettings,
    announcements: z
      .strictObject({
        ...announcementFields,
        /** Most servers that are known at a time: anybody who may announce can make up any number of keys. */
        most_servers: z.number().int().min(1).max(1_000_000).default(10_000),
      })
      .prefault({}),
  })
  .superRefine(refuseRevealing)
  .superRefine(refuseUnreachableBus);

export type IntroducerConfiguration = z.infer<typeof nodeConfiguration>;
