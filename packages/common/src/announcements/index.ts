/** What storage servers say of themselves: signing, checking, sending and hearing it. */
export { Announcer, type AnnouncerOptions, believedAhead } from './announcer.js';
export { type AnnouncementBody, announcementBody, maximumAnnouncementSize } from './body.js';
export { AnnouncementError, type AnnouncementErrorCode } from './errors.js';
export {
  type SignedAnnouncement,
  signAnnouncement,
  signedAnnouncement,
  type VerifiedAnnouncement,
  verifyAnnouncement,
} from './signed.js';
export { type StorageAddresses, type StorageAddressParts, storageAddresses } from './storage-addresses.js';
export {
  buildStorageAnnouncement,
  permutationSeed,
  type StorageAnnouncementFields,
} from './storage-announcement.js';
export {
  type AnnounceAnswer,
  type AnnouncementPage,
  type AnnouncementSubjects,
  announcementSubjects,
} from './subjects.js';
export { AnnouncementSubscriber, type SubscriberOptions } from './subscriber.js';
