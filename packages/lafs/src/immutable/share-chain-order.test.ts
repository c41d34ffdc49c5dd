import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { leafNode, proofNodes } from '../merkle/tree-shape.js';
import { readFixture } from '../testing/fixtures.js';
import { peerChainOrder } from './share-chain-order.js';

const { chainOrders } = readFixture<{
  chainOrders: { shareCount: number; last: number[]; sha256: string }[];
}>('merkle.json');

test.each(chainOrders)('chains of $shareCount shares are in the order of the peer', (recorded) => {
  const { shareCount } = recorded;
  const orders = Array.from({ length: shareCount }, (_, share) =>
    peerChainOrder([...proofNodes(shareCount, share), leafNode(shareCount, share)]),
  );
  expect(orders.at(-1)).toEqual(recorded.last);
  const text = orders.map((order) => `${order.join(' ')}\n`).join('');
  expect(createHash('sha256').update(text).digest('hex')).toBe(recorded.sha256);
});
