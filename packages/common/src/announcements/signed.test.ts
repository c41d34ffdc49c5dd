import { createPublicKey, sign, verify } from 'node:crypto';
import { base32Decode, base32Encode, parseFurl, parseNurl } from '@holdfast/lafs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  generateNodePem,
  generateSigningKey,
  type Identity,
  parseNodePem,
  parseSigningKey,
  publicKeyText,
} from '../identity/index.js';
import { recordedNode } from '../testing/recorded-node.js';
import { maximumAnnouncementSize } from './body.js';
import { AnnouncementError } from './errors.js';
import { type SignedAnnouncement, signAnnouncement, verifyAnnouncement } from './signed.js';
import { buildStorageAnnouncement } from './storage-announcement.js';

const recorded = recordedNode();

function identityOf(privateKey: string, pem: string): Identity {
  const signingKey = parseSigningKey(privateKey);
  return {
    serverId: publicKeyText(signingKey),
    signingKey,
    publicKey: createPublicKey(signingKey),
    tls: parseNodePem(pem),
  };
}

function refusal(signed: SignedAnnouncement): AnnouncementError {
  try {
    verifyAnnouncement(signed);
  } catch (error) {
    if (error instanceof AnnouncementError) return error;
    throw error;
  }
  throw new Error('the announcement was believed');
}

describe('an announcement that Tahoe-LAFS signed', () => {
  const { announcement } = recorded;

  it('is believed, and read', () => {
    const { serverId, seqnum, body, signed } = verifyAnnouncement(announcement);
    expect(serverId).toBe(announcement.key);
    expect(`pub-${serverId}`).toBe(recorded.identity['node.pubkey'].trim());
    expect(seqnum).toBe(3);
    expect(body).toMatchObject({ nickname: 'Knoten für α', 'my-version': 'tahoe-lafs/1.20.0' });
    expect(signed).toBe(announcement);
  });

  it('keeps the fields that we do not know', () => {
    expect(verifyAnnouncement(announcement).body).toHaveProperty('nonce');
  });

  it('is signed as we would sign the same bytes with the same key', () => {
    const key = parseSigningKey(recorded.identity['node.privkey']);
    const signature = sign(null, Buffer.from(announcement.message), key);
    expect(`v0-${base32Encode(signature)}`).toBe(announcement.signature);
  });

  it.each([
    [
      'a byte of its message was changed',
      { message: announcement.message.replace('storage', 'Storage') },
      'bad-signature',
    ],
    ['white space was added', { message: `${announcement.message} ` }, 'bad-signature'],
    ['its signature was cut off', { signature: announcement.signature.slice(0, -1) }, 'bad-signature'],
    ['its signature is of nothing', { signature: `v0-${'a'.repeat(103)}` }, 'bad-signature'],
    [
      'another key is said to have signed it',
      { key: publicKeyText(parseSigningKey(generateSigningKey())) },
      'bad-signature',
    ],
    ['its key is none', { key: `v0-${'a'.repeat(51)}` }, 'bad-key'],
    ['its key has a prefix that is not ours', { key: `v1-${announcement.key.slice(3)}` }, 'bad-key'],
    ['it is larger than anybody needs', { message: ' '.repeat(maximumAnnouncementSize + 1) }, 'too-large'],
  ])('is not believed when %s', (_what, change, code) => {
    expect(refusal({ ...announcement, ...change })).toMatchObject({ name: 'AnnouncementError', code });
  });
});

describe('an announcement of ours', () => {
  let identity: Identity;
  beforeAll(async () => {
    identity = identityOf(generateSigningKey(), await generateNodePem());
  });
  const locations = [
    { host: '127.0.0.1', port: 7201 },
    { host: '::1', port: 7202 },
  ];
  const build = (seqnum = 1, leaving = false) =>
    buildStorageAnnouncement({
      identity,
      leaving,
      nickname: 's1',
      seqnum,
      locations,
      swissnum: 'abc',
      version: '0.1.0',
    });

  it('is believed, and says what was put into it', () => {
    const { serverId, seqnum, body } = verifyAnnouncement(signAnnouncement(build(7), identity));
    expect(serverId).toBe(identity.serverId);
    expect(seqnum).toBe(7);
    expect(body).toMatchObject(build(7));
  });

  it('says of a server that is leaving that it is, and of others nothing', () => {
    const said = (leaving: boolean) => verifyAnnouncement(signAnnouncement(build(1, leaving), identity)).body;
    expect(said(true).leaving).toBe(true);
    expect(said(false)).not.toHaveProperty('leaving');
  });

  it('differs from the one before it, though it says the same', () => {
    const [one, two] = [signAnnouncement(build(), identity), signAnnouncement(build(), identity)];
    expect(one.message).not.toBe(two.message);
    expect(one.signature).not.toBe(two.signature);
  });

  it('has the form of the peer’s: the same fields, and signature and key written alike', () => {
    const signed = signAnnouncement(build(), identity);
    const [ours, theirs] = [signed, recorded.announcement].map(({ message }) =>
      Object.keys(JSON.parse(message)),
    );
    expect(new Set(ours)).toEqual(new Set([...(theirs ?? []), 'anonymous-storage-NURLs']));
    const publicKey = createPublicKey(identity.signingKey);
    const signature = base32Decode(signed.signature.replace(/^v0-/, ''));
    expect(verify(null, Buffer.from(signed.message), publicKey, signature)).toBe(true);
    expect(signed.signature).toHaveLength(recorded.announcement.signature.length);
    expect(signed.key).toHaveLength(recorded.announcement.key.length);
  });

  it('leads to the server at each of its locations, and just there', () => {
    const body = build();
    const nurls = body['anonymous-storage-NURLs'].map(parseNurl);
    expect(nurls.map(({ host, port }) => ({ host, port }))).toEqual(locations);
    for (const { spkiHash, swissnum } of nurls) {
      expect(Buffer.compare(spkiHash, identity.tls.spkiHash)).toBe(0);
      expect(swissnum).toBe('abc');
    }
    expect(Buffer.compare(parseFurl(body['anonymous-storage-FURL']).tubId, identity.tls.tubId)).toBe(0);
    expect(`v0-${body['permutation-seed-base32']}`).toBe(identity.serverId);
  });

  it.each([
    ['is not JSON', '{"seqnum":'],
    ['is no object', '[1]'],
    [
      'is of another service',
      JSON.stringify({ 'service-name': 'stub', version: 0, seqnum: 1, 'anonymous-storage-FURL': 'x' }),
    ],
    [
      'has a seqnum below zero',
      JSON.stringify({ 'service-name': 'storage', version: 0, seqnum: -1, 'anonymous-storage-FURL': 'x' }),
    ],
    [
      'has no seqnum',
      JSON.stringify({ 'service-name': 'storage', version: 0, 'anonymous-storage-FURL': 'x' }),
    ],
  ])('is not believed when it %s, though its signature is good', (_what, message) => {
    const signature = `v0-${base32Encode(sign(null, Buffer.from(message), identity.signingKey))}`;
    expect(refusal({ message, signature, key: identity.serverId }).code).toBe('malformed');
  });
});
