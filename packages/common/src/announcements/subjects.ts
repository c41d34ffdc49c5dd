import * as z from 'zod';
import type { Question, Subject } from '../bus/index.js';
import { type SignedAnnouncement, signedAnnouncement } from './signed.js';

/** An introducer's word on an announcement that it was sent. */
export const announceAnswer = z.union([
  z.strictObject({ accepted: z.literal(true) }),
  z.strictObject({ refused: z.string(), newest: z.int().nonnegative().optional() }),
]);

export type AnnounceAnswer = z.infer<typeof announceAnswer>;

/** One page of all announcements, in order of server id; `next` is what to ask for after it. */
export const announcementPage = z.strictObject({
  announcements: z.array(signedAnnouncement),
  next: z.string().optional(),
});

export type AnnouncementPage = z.infer<typeof announcementPage>;

/** What is said about announcements on the bus of one grid. */
export interface AnnouncementSubjects {
  /** Storage to introducer: this is me. */
  readonly announce: Question<SignedAnnouncement, AnnounceAnswer>;
  /** Introducer to all: this server's newest. */
  readonly announced: Subject<SignedAnnouncement>;
  /** Anyone to introducer: all that you know, from after a server id on. */
  readonly list: Question<{ after?: string | undefined }, AnnouncementPage>;
}

export function announcementSubjects(grid: string): AnnouncementSubjects {
  return {
    announce: { name: `holdfast.${grid}.announce`, schema: signedAnnouncement, answer: announceAnswer },
    announced: { name: `holdfast.${grid}.announced`, schema: signedAnnouncement },
    list: {
      name: `holdfast.${grid}.announcements`,
      schema: z.strictObject({ after: z.string().optional() }),
      answer: announcementPage,
    },
  };
}
