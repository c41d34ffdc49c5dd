import { announcementSettings, nodeSettings } from '@holdfast/common/configuration';
import { z } from 'zod';

/** An introducer's `node.yaml`. */
export const nodeConfiguration = z.strictObject({
  service: z.literal('introducer'),
  ...nodeSettings,
  announcements: announcementSettings,
});

export type IntroducerConfiguration = z.infer<typeof nodeConfiguration>;
