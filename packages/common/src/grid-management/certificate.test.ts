import { sign } from 'node:crypto';
import { base32Encode } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { generateSigningKey, parseSigningKey, publicKeyText } from '../identity/index.js';
import { isSignedBy, parseManagerKey, readCertificate, signCertificate } from './certificate.js';
import { Vouching } from './vouching.js';

/** Made by the `grid-manager` command of Tahoe-LAFS 1.20.0, with keys of nobody. */
const recorded = {
  manager: 'priv-v0-2wtdelko7sarlzvrp5anq2dtnzpmnv5uir6mandlmlojnlfwaetq',
  identity: 'pub-v0-vlkeozktht6fcljh2rtnhry7tl7viws3psltxtm2dblrakbhj43q',
  server: 'v0-3sqplsmgm3tkbcmhvc7snr3xpaehd4xqndu576zxmwpozbfelnxa',
  signed: {
    certificate:
      '{"expires":"2031-11-20T02:30:47.906272+00:00","public_key":"pub-v0-3sqplsmgm3tkbcmhvc7snr3xpaehd4xqndu576zxmwpozbfelnxa","version":1}',
    signature:
      'dtaykc3uhuhiplqf6sj3bexl5q6ofhrbxus32tc5yi564r232zricvrmeqfxreofpnyb3eee7jqsru2vfuctyxxcldtaiiglti5zmdq',
  },
};

const manager = parseSigningKey(recorded.manager);
const publicKeyOf = (key: typeof manager) => {
  const parsed = parseManagerKey(`pub-${publicKeyText(key)}`);
  if (!parsed) throw new Error('no key');
  return parsed;
};
const signText = (certificate: string, key = manager) => ({
  certificate,
  signature: base32Encode(sign(null, Buffer.from(certificate), key)),
});

describe('a certificate of a Tahoe-LAFS grid manager', () => {
  it('is its manager’s, and says whom it vouches for and until when', () => {
    expect(isSignedBy(recorded.signed, publicKeyOf(manager))).toBe(true);
    expect(`pub-${publicKeyText(manager)}`).toBe(recorded.identity);
    expect(readCertificate(recorded.signed)).toEqual({
      serverId: recorded.server,
      expires: new Date('2031-11-20T02:30:47.906Z'),
    });
  });

  it('is written by us as by the peer, byte for byte, but for the last three digits of the time', () => {
    const ours = signCertificate(readCertificate(recorded.signed), manager);
    expect(ours.certificate).toBe(recorded.signed.certificate.replace('906272', '906000'));
    expect(signText(recorded.signed.certificate)).toEqual(recorded.signed);
  });

  it.each([
    ['a byte of its text', { certificate: recorded.signed.certificate.replace('2031', '2041') }],
    ['its signature', { signature: recorded.signed.signature.replace(/^d/, 'e') }],
    ['the length of its signature', { signature: recorded.signed.signature.slice(0, -1) }],
    ['the alphabet of its signature', { signature: recorded.signed.signature.toUpperCase() }],
  ])('is nobody’s once somebody changed %s', (_what, change) => {
    expect(isSignedBy({ ...recorded.signed, ...change }, publicKeyOf(manager))).toBe(false);
  });

  it.each([
    ['is not JSON', '{', 'not JSON'],
    [
      'is of another version',
      '{"expires":"2031-11-20T02:30:47+00:00","public_key":"KEY","version":2}',
      'version',
    ],
    ['has no version', '{"expires":"2031-11-20T02:30:47+00:00","public_key":"KEY"}', 'version'],
    [
      'has a time that says not where',
      '{"expires":"2031-11-20T02:30:47","public_key":"KEY","version":1}',
      'expires',
    ],
    ['has no time', '{"public_key":"KEY","version":1}', 'expires'],
    ['is for no key', '{"expires":"2031-11-20T02:30:47+00:00","public_key":"me","version":1}', 'public_key'],
  ])('says nothing where it %s', (_what, text, named) => {
    const certificate = text.replace('KEY', `pub-${recorded.server}`);
    expect(() => readCertificate({ certificate, signature: '' })).toThrow(named);
  });
});

describe('grid managers', () => {
  const other = parseSigningKey(generateSigningKey());
  const expires = (text: string) => new Date(text);
  const vouch = (date: string, key = manager, serverId = recorded.server) =>
    signCertificate({ serverId, expires: expires(date) }, key);
  const vouching = new Vouching([publicKeyOf(manager)]);

  it('vouch for a server until the latest end of what they signed for it', () => {
    const [short, long] = [vouch('2030-01-01T00:00:00Z'), vouch('2031-01-01T00:00:00Z')];
    expect(vouching.until(recorded.server, [short])).toBe(Date.parse('2030-01-01'));
    expect(vouching.until(recorded.server, [long, short])).toBe(Date.parse('2031-01-01'));
    expect(new Vouching([publicKeyOf(other), publicKeyOf(manager)]).until(recorded.server, [short])).toBe(
      Date.parse('2030-01-01'),
    );
  });

  it.each([
    ['another manager signed it', [vouch('2031-01-01T00:00:00Z', other)]],
    [
      'it is another server’s',
      [vouch('2031-01-01T00:00:00Z', manager, publicKeyText(parseSigningKey(generateSigningKey())))],
    ],
    ['there is none', []],
    ['it is signed but says nothing', [signText('[]'), signText('nonsense')]],
  ])('do not vouch where %s', (_why, certificates) => {
    expect(vouching.until(recorded.server, certificates)).toBeUndefined();
  });

  it('are found though a broken certificate stands before theirs', () => {
    const good = vouch('2031-01-01T00:00:00Z');
    expect(vouching.until(recorded.server, [signText('nonsense'), good])).toBe(Date.parse('2031-01-01'));
  });

  it('need not be: without any, every server is vouched for', () => {
    expect(new Vouching().until(recorded.server)).toBe(Number.POSITIVE_INFINITY);
  });
});
