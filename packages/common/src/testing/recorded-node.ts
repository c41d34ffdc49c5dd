import { readFileSync } from 'node:fs';
import type { SignedAnnouncement } from '../announcements/index.js';

/** A Tahoe-LAFS node as `fixtures/record.py` recorded it; its keys are of no node that ever ran. */
export interface RecordedNode {
  readonly identity: {
    readonly 'node.privkey': string;
    readonly 'node.pubkey': string;
    readonly 'node.pem': string;
    /** In base32. */
    readonly tubId: string;
    /** In base64url. */
    readonly spkiHash: string;
  };
  readonly announcement: SignedAnnouncement;
}

/** Reads the recording. */
export function recordedNode(): RecordedNode {
  return JSON.parse(
    readFileSync(new URL('../../fixtures/node.json', import.meta.url), 'utf8'),
  ) as RecordedNode;
}
