import { describe, expect, test } from 'vitest';
import { fromHex, readFixture, toHex } from '../testing/fixtures.js';
import { encodingGeometry } from './encoding-geometry.js';
import { parseShareHeader } from './share-header.js';
import { immutableShareLayout, ShareTooLargeError } from './share-layout.js';
import { ShareLayoutError } from './share-layout-error.js';

interface Case {
  readonly size: number;
  readonly required: number;
  readonly total: number;
  readonly maximumSegmentSize: number;
  readonly uriExtensionLength: number;
  readonly header: string;
  readonly shareSize: number;
}

const { cases } = readFixture<{ cases: Case[] }>('geometry.json');

describe("the peer's share layouts", () => {
  test.each(cases)('$size bytes, $required-of-$total', (each) => {
    const { uriExtensionLength, shareSize } = each;
    const layout = immutableShareLayout({ geometry: encodingGeometry(each), uriExtensionLength });
    expect(toHex(layout.header)).toBe(each.header);
    expect(layout.size).toBe(shareSize);
  });

  test.each(cases)('header of $size bytes, $required-of-$total, read again', (each) => {
    const geometry = encodingGeometry(each);
    const { version, sections, header } = immutableShareLayout({ geometry, ...each });
    const parsed = parseShareHeader(fromHex(each.header));
    const { uriExtension, ...others } = sections;
    expect(parsed.version).toBe(version);
    expect(parsed.headerSize).toBe(header.length);
    expect(parsed.sections).toEqual(others);
    expect(parsed.blockSize).toBe(geometry.blockSize);
    expect(parsed.shareDataSize).toBe(geometry.shareDataSize);
    expect(parsed.uriExtension.offset).toBe(uriExtension.offset);
    expect(uriExtension.size).toBe(parsed.uriExtension.lengthSize + each.uriExtensionLength);
  });

  test('both versions are among them', () => {
    const versions = cases.map(({ header }) => parseShareHeader(fromHex(header)).version);
    expect(new Set(versions)).toEqual(new Set([1, 2]));
  });
});

test('a small file can be laid out in version 2, a big one not in version 1', () => {
  const parameters = { required: 3, total: 10, maximumSegmentSize: 1_048_576 };
  const small = encodingGeometry({ ...parameters, size: 1000 });
  expect(immutableShareLayout({ geometry: small, uriExtensionLength: 300, version: 2 }).version).toBe(2);
  const big = encodingGeometry({ ...parameters, size: 13_000_000_000 });
  expect(() => immutableShareLayout({ geometry: big, uriExtensionLength: 300, version: 1 })).toThrow(
    ShareTooLargeError,
  );
});

describe('headers that are none', () => {
  const [recorded] = cases;
  const good = fromHex(recorded!.header);
  const withNumber = (place: number, value: number) => {
    const bytes = Uint8Array.from(good);
    new DataView(bytes.buffer).setUint32(4 * place, value);
    return bytes;
  };
  const dataEnd = parseShareHeader(good).sections.plaintextHashTree.offset;

  test.each([
    ['truncated', 'nothing', new Uint8Array()],
    ['truncated', 'half a header', good.subarray(0, 35)],
    ['truncated', 'half a header of version 2', withNumber(0, 2)],
    ['unknown-version', 'version 3', withNumber(0, 3)],
    ['malformed', 'data inside the header', withNumber(3, 35)],
    ['malformed', 'sections that overlap', withNumber(4, 0xffff_ffff)],
    ['malformed', 'half a hash', withNumber(6, dataEnd + 33)],
    ['malformed', 'no hashes', withNumber(6, dataEnd)],
    ['malformed', 'half an entry of the chain', withNumber(8, 0xffff_ffff)],
    ['malformed', 'an offset past 2^53', new Uint8Array(68).fill(255).fill(0, 0, 3).fill(2, 3, 4)],
  ])('%s: %s', (code, _, bytes) => {
    expect(() => parseShareHeader(bytes)).toThrow(ShareLayoutError);
    expect(() => parseShareHeader(bytes)).toThrow(expect.objectContaining({ code }));
  });
});
