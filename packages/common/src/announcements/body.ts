import * as z from 'zod';
import { gridManagerCertificate, mostCertificates } from '../grid-management/index.js';

/**
 * What a storage server says of itself, field by field as Tahoe-LAFS 1.20 writes it (seen from the running peer).
 * Fields that we do not know are kept: the signature covers the bytes, and other readers may know them.
 */
export const announcementBody = z.looseObject({
  'service-name': z.literal('storage'),
  version: z.number().int(),
  nickname: z.string().max(400).default(''),
  seqnum: z.number().int().nonnegative(),
  'anonymous-storage-FURL': z.string().max(2_000),
  'anonymous-storage-NURLs': z.array(z.string().max(2_000)).max(32).default([]),
  'permutation-seed-base32': z
    .string()
    .regex(/^[a-z2-7]{1,104}$/)
    .optional(),
  'my-version': z.string().max(200).optional(),
  'oldest-supported': z.string().max(200).optional(),
  'grid-manager-certificates': z.array(gridManagerCertificate).max(mostCertificates).optional(),
  /** An extension of ours: it is read from, and gets no shares, since its operator is taking it away. */
  leaving: z.boolean().optional(),
  'app-versions': z.record(z.string(), z.string()).optional(),
});

/** The content of an announcement. */
export type AnnouncementBody = z.infer<typeof announcementBody>;

/** Largest announcement that is looked at, in bytes of its JSON. */
export const maximumAnnouncementSize = 16_384;
