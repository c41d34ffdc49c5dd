import { describe, expect, test } from 'vitest';
import { fromHex, readFixture, toHex } from '../testing/fixtures.js';
import { AddressError } from './address-error.js';
import { formatFurl, parseFurl } from './furl.js';

const { furls } = readFixture<{
  furls: { text: string; tubId: string; hints: string[]; swissnum: string }[];
}>('addresses.json');
const tub = '2uxmzoqqimpdwowxr24q6w5ekmxcymby';

describe('FURLs, as Foolscap reads them', () => {
  test.each(furls)('$hints', ({ text, tubId, hints, swissnum }) => {
    const furl = parseFurl(text);
    expect(toHex(furl.tubId)).toBe(tubId);
    expect(furl.hints).toHaveLength(hints.length);
    expect(furl.swissnum).toBe(swissnum);
    const plain = hints.includes('localhost:47877');
    expect(formatFurl(furl)).toBe(plain ? text.replace('@', '@tcp:') : text);
  });
});

test('each hint says how to connect', () => {
  const hints = 'tcp:[::1]:5,localhost:6,tor:x.onion:7,i2p:y.i2p:8,i2p:y.i2p,carrier-pigeon:z:9';
  expect(parseFurl(`pb://${tub}@${hints}/swiss`).hints).toEqual([
    { transport: 'tcp', host: '::1', port: 5 },
    { transport: 'tcp', host: 'localhost', port: 6 },
    { transport: 'tor', host: 'x.onion', port: 7 },
    { transport: 'i2p', host: 'y.i2p', port: 8 },
    { transport: 'other', text: 'i2p:y.i2p' },
    { transport: 'other', text: 'carrier-pigeon:z:9' },
  ]);
});

test('a FURL is written from its parts', () => {
  const hints = [{ transport: 'tcp', host: '::1', port: 5 } as const];
  const furl = { tubId: fromHex('d52eccba10431e3b3ad78eb90f5ba4532e2c3038'), hints, swissnum: 'swiss' };
  expect(formatFurl(furl)).toBe(`pb://${tub}@tcp:[::1]:5/swiss`);
  expect(parseFurl(formatFurl(furl))).toEqual(furl);
});

describe('texts that are no FURL', () => {
  test.each([
    ['another scheme', `http://${tub}@h:1/secretswissnum`],
    ['a short tub id', `pb://${tub.slice(1)}@h:1/secretswissnum`],
    ['an uppercase tub id', `pb://${tub.toUpperCase()}@h:1/secretswissnum`],
    ['no swissnum', `pb://${tub}@h:1/`],
    ['no hints and no slash', `pb://${tub}@secretswissnum`],
    ['a space', `pb://${tub}@h:1/secretswissnum a`],
  ])('%s', (_, text) => {
    expect(() => parseFurl(text)).toThrow(AddressError);
    expect(() => parseFurl(text)).toThrow(
      expect.objectContaining({ kind: 'FURL', message: expect.not.stringContaining('secretswissnum') }),
    );
  });
});
