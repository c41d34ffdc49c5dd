import type { ShareAddress } from '@holdfast/lafs';
import { answerCalls } from '../worker-calls.js';
import type { InspectedShare, WalkedShares } from './share-backend.js';
import { inspectShare, ShareScan, type UnreadableShare } from './share-scan.js';

/** What the thread is asked. A walk goes by a number that its caller chose. */
export type ScanCall =
  | { readonly kind: 'next'; readonly root: string; readonly walk: number; readonly from: number }
  | { readonly kind: 'end'; readonly walk: number }
  | { readonly kind: 'inspect'; readonly root: string; readonly shares: readonly ShareAddress[] };

export type ScanResult = WalkedShares | readonly (InspectedShare | UnreadableShare)[] | undefined;

const sharesAtOnce = 1000;

const walks = new Map<number, ShareScan>();

answerCalls<ScanCall, ScanResult>((call) => {
  if (call.kind === 'inspect') return call.shares.flatMap((share) => inspectShare(call.root, share) ?? []);
  const walk =
    walks.get(call.walk) ?? (call.kind === 'next' ? new ShareScan(call.root, call.from) : undefined);
  if (call.kind === 'end') {
    walk?.close();
    walks.delete(call.walk);
    return undefined;
  }
  if (walk) walks.set(call.walk, walk);
  return walk?.next(sharesAtOnce);
});
