import { leastPaceSettings } from '@holdfast/common/client-pace';
import { byteSize, duration, hostPort, nodeSettings } from '@holdfast/common/configuration';
import { busSettings, refuseRevealing, refuseUnreachableBus } from '@holdfast/common/connections';
import { mostCertificates } from '@holdfast/common/grid-management';
import { introducersSetting, refuseNamedIntroducerProxies } from '@holdfast/common/introducers';
import * as z from 'zod';

/** The fields of a storage server's `node.yaml`. */
const fields = z.strictObject({
  service: z.literal('storage'),
  ...nodeSettings,
  ...busSettings,
  /** Whom it announces itself to; also of those that have no map of their own `connection_types` holds. */
  introducers: introducersSetting,
  /** Where the storage protocol is served. */
  listen: hostPort,
  /** Where clients are told to find it: just these. */
  locations: z.array(hostPort).max(32),
  shares: z
    .strictObject({
      /** The folder of shares, within the node's folder where it is not absolute. */
      path: z.string().min(1).default('shares'),
      /** Space on its disk that is never promised to anybody. */
      reserved_space: byteSize.prefault('1GB'),
      /** Most bytes of a mutable share. A client sends it in one request, and a few of these are in memory at once. */
      largest_mutable: byteSize
        .prefault('64MB')
        .refine((bytes) => bytes <= 1_000_000_000, 'expected at most 1GB'),
    })
    .prefault({}),
  /** Whether whoever knows the announced address may store. */
  anonymous_account: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  /** Certificates of grid managers that vouch for this server: a folder of them, or files. */
  grid_management: z.union([z.string().min(1), z.array(z.string().min(1)).max(mostCertificates)]).default([]),
  /** Ending leases that have run out, and removing shares that nobody has a lease on. */
  collection: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** From the end of a pass to the next, and from the start to the first. */
      every: duration.prefault('1h').refine((time) => time >= 100, 'expected at least 100ms'),
      /** Most leases ended and shares removed in a second. */
      pace: z.number().int().min(1).max(1_000_000).default(20_000),
    })
    .prefault({}),
  recovery: z
    .strictObject({
      /** Whether records that are missing or too old are made again without being asked, at the start. */
      automatic: z.boolean().default(false),
    })
    .prefault({}),
  leases: z.strictObject({ duration: duration.prefault('31d') }).prefault({}),
  uploads: z
    .strictObject({
      /** Most shares on their way in at once. */
      open: z.number().int().min(1).max(100_000).default(4096),
      /** And most of one account. */
      open_per_account: z.number().int().min(1).max(100_000).default(1024),
      /** After so long without a byte an upload is given up. */
      abandoned_after: duration.prefault('30m'),
    })
    .prefault({}),
  scrub: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** How fast shares are read through. */
      bytes_per_second: byteSize.prefault('4MB').refine((bytes) => bytes >= 1000, 'expected at least 1kB'),
      /** From the beginning of one round to that of the next, at the earliest. */
      every: duration.prefault('30d'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      ...leastPaceSettings,
      /** Requests of repairers that are worked on at a time. */
      repairer_requests: z.number().int().min(1).max(10_000).default(64),
    })
    .prefault({}),
});

/** A storage server's `node.yaml`, checked. */
export const nodeConfiguration = fields
  .superRefine(refuseRevealing)
  .superRefine(refuseUnreachableBus)
  .superRefine(refuseNamedIntroducerProxies);

export type StorageConfiguration = z.infer<typeof nodeConfiguration>;
