import { leastPaceSettings } from '@holdfast/common/client-pace';
import { byteSize, hostPort, nodeSettings } from '@holdfast/common/configuration';
import { refuseRevealing } from '@holdfast/common/connections';
import { leastMemoryFor } from '@holdfast/grid';
import { membershipSettings } from '@holdfast/membership';
import * as z from 'zod';

const shareCount = z.number().int().min(1).max(256);

const encoding = z
  .strictObject({
    required: shareCount.default(3),
    happy: shareCount.default(7),
    total: shareCount.default(10),
    maximum_segment_size: byteSize.prefault('1MiB'),
  })
  .superRefine(({ required, happy, total, maximum_segment_size }, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (required > total) refuse('required', 'expected no more than encoding.total');
    if (happy > total) refuse('happy', 'expected no more than encoding.total');
    if (maximum_segment_size < 1024 || maximum_segment_size > 16 * 2 ** 20)
      refuse('maximum_segment_size', 'expected 1KiB to 16MiB');
  });

/** The fields of a broker's `node.yaml`. */
const fields = z.strictObject({
  service: z.literal('broker'),
  ...nodeSettings,
  ...membershipSettings,
  /** Where the web API is served. */
  listen: hostPort,
  /** How new files are cut into shares; the peer's defaults. */
  encoding: encoding.prefault({}),
  /** Where a file waits while its key is made from its content; a relative path is inside the node's folder. */
  spool: z.string().min(1).default('spool'),
  limits: z
    .strictObject({
      /** The largest file taken. */
      upload_size: byteSize.prefault('1TB'),
      /** Uploads and downloads at a time; those beyond wait their turn. */
      uploads: z.number().int().min(1).max(10_000).default(64),
      downloads: z.number().int().min(1).max(10_000).default(256),
      /** What the buffers of all uploads and downloads together may take; those that find none left wait. */
      memory: byteSize.prefault('40MiB'),
      /** How slowly a client may send what is to be stored. */
      ...leastPaceSettings,
    })
    .prefault({}),
});

/** A broker's `node.yaml`, checked. */
export const nodeConfiguration = fields
  .superRefine(refuseRevealing)
  .superRefine(({ encoding, limits }, context) => {
    // An encoding that cannot be needs no memory.
    if (context.issues.length > 0) return;
    const { maximum_segment_size: maximumSegmentSize } = encoding;
    const least = leastMemoryFor({ ...encoding, maximumSegmentSize });
    if (limits.memory >= least) return;
    const message = `expected at least ${Math.ceil(least / 2 ** 20)}MiB, which an upload with this encoding needs`;
    context.addIssue({ code: 'custom', path: ['limits', 'memory'], message, input: limits.memory });
  });

export type NodeConfiguration = z.infer<typeof nodeConfiguration>;
