import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeShareHashChain,
  encodeUriExtensionSection,
  parseHashTree,
  parseShareHashChain,
  parseUriExtensionSection,
} from './share-sections.js';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('sections of a share come back as they were', () => {
  test('hash trees', () => {
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 20 }), (nodes) => {
        const section = Uint8Array.from(Buffer.concat(nodes));
        expect(parseHashTree(section)).toEqual([...nodes.entries()]);
      }),
    );
  });

  test('share hash chains, but for their order', () => {
    const chain = fc.uniqueArray(fc.tuple(fc.nat({ max: 65_535 }), hash), {
      selector: ([node]) => node,
      maxLength: 30,
    });
    fc.assert(
      fc.property(chain, (each) => {
        const parsed = parseShareHashChain(encodeShareHashChain(each));
        expect(parsed).toHaveLength(each.length);
        expect(new Map(parsed)).toEqual(new Map(each));
      }),
    );
  });

  test('URI extension blocks, whatever stands behind them', () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(fc.constantFrom(1 as const, 2 as const), bytes, bytes, (version, block, rest) => {
        const section = Buffer.concat([encodeUriExtensionSection(version, block), rest]);
        expect(Uint8Array.from(parseUriExtensionSection(version, section))).toEqual(block);
      }),
    );
  });
});

test('sections that are cut are refused', () => {
  const layoutError = (code: string) => expect.objectContaining({ name: 'ShareLayoutError', code });
  expect(() => parseHashTree(new Uint8Array(33))).toThrow(layoutError('malformed'));
  expect(() => parseShareHashChain(new Uint8Array(35))).toThrow(layoutError('malformed'));
  expect(() => parseUriExtensionSection(1, new Uint8Array(3))).toThrow(layoutError('truncated'));
  const section = encodeUriExtensionSection(2, new Uint8Array(10));
  expect(() => parseUriExtensionSection(2, section.subarray(0, 17))).toThrow(layoutError('truncated'));
  expect(() => parseUriExtensionSection(2, new Uint8Array(16).fill(255))).toThrow(layoutError('truncated'));
});
