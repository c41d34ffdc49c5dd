import { answerCalls } from '../worker-calls.js';
import { type PackedAddresses, packAddresses, unpackAddresses } from './packed-addresses.js';
import type { UnreadableFolder } from './share-backend.js';
import { type FoundContainer, inspectShare, ShareScan } from './share-scan.js';

/** What the thread is asked. A walk goes by a number that its caller chose. */
export type ScanCall =
  | { readonly kind: 'next'; readonly root: string; readonly walk: number; readonly from: number }
  | { readonly kind: 'end'; readonly walk: number }
  | { readonly kind: 'inspect'; readonly root: string; readonly shares: PackedAddresses };

/** The next shares of a walk. */
export interface PackedPage {
  readonly section: number;
  readonly shares: PackedAddresses;
  readonly unreadable: readonly UnreadableFolder[];
}

/** A page, undefined after the last; or what is at each address that was asked for. */
export type ScanResult = PackedPage | readonly (FoundContainer | undefined)[] | undefined;

const sharesAtOnce = 1000;

const walks = new Map<number, ShareScan>();

answerCalls<ScanCall, ScanResult>((call) => {
  if (call.kind === 'inspect')
    return unpackAddresses(call.shares).map((share) => inspectShare(call.root, share));
  const walk =
    walks.get(call.walk) ?? (call.kind === 'next' ? new ShareScan(call.root, call.from) : undefined);
  if (call.kind === 'end') {
    walk?.close();
    walks.delete(call.walk);
    return undefined;
  }
  if (walk) walks.set(call.walk, walk);
  const page = walk?.next(sharesAtOnce);
  return page && { ...page, shares: packAddresses(page.shares) };
});
