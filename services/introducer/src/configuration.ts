import { announcementSettings, nodeSettings } from '@holdfast/common/configuration';
import { busSettings, refuseRevealing, refuseUnreachableBus } from '@holdfast/common/connections';
import { z } from 'zod';

/** An introducer's `node.yaml`. */
export const nodeConfiguration = z
  .strictObject({
    service: z.literal('introducer'),
    ...nodeSettings,
    ...busSettings,
    announcements: announcementSettings,
  })
  .superRefine(refuseRevealing)
  .superRefine(refuseUnreachableBus);

export type IntroducerConfiguration = z.infer<typeof nodeConfiguration>;
