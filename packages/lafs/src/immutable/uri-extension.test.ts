import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChkReadCapability } from '../capabilities/capability.js';
import { parseCapability } from '../capabilities/parse-capability.js';
import { uriExtensionHash } from '../hashing/immutable-hashes.js';
import { describeEncoding, fromHex, readFixture, recordedEncodings, toHex } from '../testing/fixtures.js';
import { encodingGeometry } from './encoding-geometry.js';
import { parseUriExtension } from './parse-uri-extension.js';
import {
  encodeUriExtension,
  type UriExtension,
  uriExtensionLength,
  uriExtensionOf,
} from './uri-extension.js';
import { UriExtensionError } from './uri-extension-error.js';
import { uriExtensionGeometry } from './uri-extension-geometry.js';

const encodings = recordedEncodings().map((each) => ({ each, name: describeEncoding(each) }));
const example = recordedEncodings()[6]!;
const exampleBlock = fromHex(example.uriExtension);
const exampleText = Buffer.from(exampleBlock).toString('latin1');

function parseText(text: string): UriExtension {
  return parseUriExtension(Buffer.from(text, 'latin1'));
}

describe("the peer's URI extension blocks", () => {
  test.each(encodings)('$name', ({ each }) => {
    const bytes = fromHex(each.uriExtension);
    const extension = parseUriExtension(bytes);
    const capability = parseCapability(each.capability) as ChkReadCapability;
    expect(toHex(uriExtensionHash(bytes))).toBe(toHex(capability.uriExtensionHash));
    const geometry = encodingGeometry(each);
    expect(uriExtensionGeometry(extension, capability)).toEqual(geometry);
    expect(uriExtensionOf(geometry, extension)).toEqual(extension);
    expect(toHex(encodeUriExtension(extension))).toBe(each.uriExtension);
    expect(uriExtensionLength(geometry)).toBe(bytes.length);
  });

  const { cases } = readFixture<{
    cases: (Parameters<typeof encodingGeometry>[0] & { uriExtensionLength: number })[];
  }>('geometry.json');
  test.each(cases)('length: $size bytes, $required-of-$total', (each) => {
    expect(uriExtensionLength(encodingGeometry(each))).toBe(each.uriExtensionLength);
  });
});

describe('reading', () => {
  test('keys in any order, and keys that only old releases wrote', () => {
    const name = 'codec_name:3:crs,';
    expect(exampleText.startsWith(name)).toBe(true);
    const other = `${exampleText.slice(name.length)}plaintext_hash:3:abc,${name}`;
    expect(parseText(other)).toEqual(parseUriExtension(exampleBlock));
  });

  test.each([
    ['malformed', 'cut short', exampleText.slice(0, -1)],
    ['malformed', 'a key twice', `${exampleText}size:1:1,`],
    ['malformed', 'no length', `${exampleText}abc`],
    ['malformed', 'a key of other characters', `${exampleText}a b:1:1,`],
    ['malformed', 'a length past the end', `${exampleText}abc:99:1,`],
    ['malformed', 'a length with a leading zero', `${exampleText}abc:01:1,`],
    ['malformed', 'a huge length', `${exampleText}abc:99999999999999999999:1,`],
    ['malformed', 'a value without its comma', `${exampleText}abc:1:1.`],
    ['missing-field', 'nothing at all', ''],
    ['missing-field', 'no size', exampleText.replace(/(?<=,)size:\d+:\d+,/, '')],
    ['bad-value', 'a size in hexadecimal', exampleText.replace(/(?<=,)size:\d+:\d+,/, 'size:3:0xf,')],
    [
      'bad-value',
      'a size past 2^53',
      exampleText.replace(/(?<=,)size:\d+:\d+,/, 'size:16:9007199254740992,'),
    ],
    ['bad-value', 'short codec parameters', exampleText.replace('9:1002-3-10', '6:1002-3')],
    ['bad-value', 'an empty codec name', exampleText.replace('3:crs', '0:')],
    ['bad-value', 'a short hash', exampleText.replace(/crypttext_hash:32:.{32},/s, 'crypttext_hash:3:abc,')],
  ])('%s: %s', (code, _, text) => {
    expect(text).not.toBe(exampleText);
    expect(() => parseText(text)).toThrow(UriExtensionError);
    expect(() => parseText(text)).toThrow(expect.objectContaining({ code }));
  });

  test('any damage is either a typed error or other fields, never anything else', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: exampleBlock.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const damaged = Uint8Array.from(exampleBlock);
          damaged[at] = damaged[at]! ^ change;
          try {
            expect(parseUriExtension(damaged)).not.toEqual(parseUriExtension(exampleBlock));
          } catch (error) {
            expect(error).toBeInstanceOf(UriExtensionError);
          }
        },
      ),
    );
  });
});

describe('a block that contradicts itself or the capability', () => {
  const extension = parseUriExtension(exampleBlock);
  const capability = parseCapability(example.capability) as ChkReadCapability;
  const codec = extension.codecParameters;
  test.each<[string, Partial<UriExtension>]>([
    ['needed_shares', { required: 4 }],
    ['total_shares', { total: 11 }],
    ['size', { size: 3018 }],
    ['codec_name', { codecName: 'rs' }],
    ['segment_size', { segmentSize: 1001 }],
    ['segment_size', { segmentSize: 0 }],
    ['num_segments', { segmentCount: 5 }],
    ['codec_params', { codecParameters: { ...codec, size: 1005 } }],
    ['tail_codec_params', { tailCodecParameters: { ...codec, size: 11 } }],
    ['tail_codec_params', { tailCodecParameters: { ...extension.tailCodecParameters, total: 9 } }],
  ])('%s: %j', (key, wrong) => {
    const attempt = () => uriExtensionGeometry({ ...extension, ...wrong }, capability);
    expect(attempt).toThrow(UriExtensionError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'inconsistent', key }));
  });
});
