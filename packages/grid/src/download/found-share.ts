import type { StorageServer } from '../connections/storage-server.js';

/** A share that a server says it holds. */
export interface FoundShare {
  readonly shareNumber: number;
  readonly server: StorageServer;
  /** All of its bytes, where the server gave them at once. Unproved. */
  readonly data?: Uint8Array;
}

/** How a share is called in messages: never by its file. */
export function describeShare({ shareNumber, server }: FoundShare): string {
  return `share ${shareNumber} on ${server.nickname}`;
}
