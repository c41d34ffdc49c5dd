import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, readFixture } from '../testing/fixtures.js';
import { AddressError } from './address-error.js';
import { formatNurl, type Nurl, parseNurl, type Transport } from './nurl.js';

const { nurls } = readFixture<{
  nurls: {
    text: string;
    spkiHash: string;
    host: string;
    port: number;
    swissnum: string;
    transport: Transport;
  }[];
}>('addresses.json');

describe("the peer's NURLs", () => {
  test.each(nurls)('$transport $host', ({ text, spkiHash, host, port, swissnum, transport }) => {
    const nurl: Nurl = { version: 1, transport, spkiHash: fromHex(spkiHash), host, port, swissnum };
    expect(parseNurl(text)).toEqual(nurl);
    expect(formatNurl(nurl)).toBe(text);
  });
});

const hash = 'PvTyHBdTVP9LvFUGxiOPnvAb1_7lLufQrFOe1SU1JFE';

test('a NURL without a port means 443, as for HTTPS', () => {
  expect(parseNurl(`pb://${hash}@example.org/swiss#v=1`).port).toBe(443);
});

test('tcp: before the host is allowed, as the document writes it', () => {
  expect(parseNurl(`pb://${hash}@tcp:127.1:34399/swiss#v=1`)).toMatchObject({ host: '127.1', port: 34399 });
});

test('a NURL without a transport is written for tcp', () => {
  const nurl = { spkiHash: new Uint8Array(32), host: '::1', port: 1, swissnum: 'a/b' };
  expect(formatNurl(nurl)).toBe(`pb://${'A'.repeat(43)}@[::1]:1/a%2Fb#v=1`);
});

test('every NURL comes back as it was', () => {
  const nurl: fc.Arbitrary<Nurl> = fc.record({
    version: fc.constant(1 as const),
    transport: fc.constantFrom<Transport>('tcp', 'tor', 'i2p'),
    spkiHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    host: fc.oneof(fc.domain(), fc.ipV4(), fc.constantFrom('::1', '2001:db8::5')),
    port: fc.integer({ min: 1, max: 65_535 }),
    swissnum: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(nurl, (each) => {
      expect(parseNurl(formatNurl(each))).toEqual(each);
    }),
  );
});

describe('texts that are no NURL', () => {
  test.each([
    ['version 0', `pb://${hash}@h:1/secretswissnum`],
    ['another version', `pb://${hash}@h:1/secretswissnum#v=2`],
    ['another scheme', `https://${hash}@h:1/secretswissnum#v=1`],
    ['a SHA-1 hash', 'pb://2uxmzoqqimpdwowxr24q6w5ekmxcymby@h:1/secretswissnum#v=1'],
    ['stray bits in the hash', `pb://${hash.slice(0, -1)}F@h:1/secretswissnum#v=1`],
    ['port 0', `pb://${hash}@h:0/secretswissnum#v=1`],
    ['port 65536', `pb://${hash}@h:65536/secretswissnum#v=1`],
    ['no host', `pb://${hash}@:1/secretswissnum#v=1`],
    ['two hosts', `pb://${hash}@h:1,i:2/secretswissnum#v=1`],
    ['tcp: on an onion', `pb+tor://${hash}@tcp:h:1/secretswissnum#v=1`],
    ['no swissnum', `pb://${hash}@h:1/#v=1`],
    ['a longer path', `pb://${hash}@h:1/secretswissnum/more#v=1`],
    ['broken percent-encoding', `pb://${hash}@h:1/secretswissnum%zz#v=1`],
    ['a line end', `pb://${hash}@h:1/secretswissnum#v=1\n`],
  ])('%s', (_, text) => {
    expect(() => parseNurl(text)).toThrow(AddressError);
    expect(() => parseNurl(text)).toThrow(
      expect.objectContaining({ kind: 'NURL', message: expect.not.stringContaining('secretswissnum') }),
    );
  });
});
