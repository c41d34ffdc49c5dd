/** Why an announcement was refused. */
export type AnnouncementErrorCode = 'malformed' | 'too-large' | 'bad-key' | 'bad-signature' | 'stale';

/** An announcement that is not to be believed or not to be used. */
export class AnnouncementError extends Error {
  override readonly name = 'AnnouncementError';

  constructor(
    readonly code: AnnouncementErrorCode,
    message: string,
    /** The newest seqnum known of this server, where the announcement is stale. */
    readonly newest?: number,
  ) {
    super(message);
  }
}
