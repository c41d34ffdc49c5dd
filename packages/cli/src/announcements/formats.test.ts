import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { formatAnnouncements, listAnnouncements } from './formats.js';

const serverId = `v0-${'a'.repeat(52)}`;
const nurl = 'pb://hash@127.0.0.1:7201/swissnum#v=1';
const furl = 'pb://tub@tcp:127.0.0.1:7201/swissnum';
const body = {
  'service-name': 'storage' as const,
  version: 0,
  nickname: 's1',
  seqnum: 12,
  'anonymous-storage-FURL': furl,
  'anonymous-storage-NURLs': [nurl],
};
const signed = { message: '', signature: '', key: serverId };
const at = (day: number) => new Date(Date.UTC(2026, 0, day));
const heard = [
  { introducer: 'one', seqnum: 12, firstHeard: at(1), lastHeard: at(3) },
  { introducer: 'two', seqnum: 11, firstHeard: at(2), lastHeard: at(2) },
];
const known = [{ serverId, seqnum: 12, body, signed, heard, lastReached: at(4) }];
const reach = { nickname: 's1', 'anonymous-storage-FURL': furl, 'anonymous-storage-NURLs': [nurl] };

describe('announcements', () => {
  it('become the servers.yaml of a Tahoe-LAFS client', () => {
    expect(parse(formatAnnouncements(known, 'tahoe'))).toEqual({ storage: { [serverId]: { ann: reach } } });
  });

  it('become clauses for connections.yaml', () => {
    const clause = { server_options: { key_s: serverId, announcement: reach } };
    expect(parse(formatAnnouncements(known, 'yaml'))).toEqual({ servers: { [serverId]: clause } });
  });

  it('become JSON with all that the server said', () => {
    expect(JSON.parse(formatAnnouncements(known, 'json'))).toEqual([
      {
        serverId,
        seqnum: 12,
        announcement: body,
        heard: [
          expect.objectContaining({ introducer: 'one', firstHeard: '2026-01-01T00:00:00.000Z' }),
          expect.anything(),
        ],
        lastReached: '2026-01-04T00:00:00.000Z',
      },
    ]);
  });

  it('are listed without anything that a terminal would act on', () => {
    const evil = known.map((one) => ({ ...one, body: { ...body, nickname: '\u001b[2Js1\u202e' } }));
    expect(listAnnouncements(evil)).toContain('?[2Js1?');
  });

  it('are listed for people without what gives access', () => {
    const text = listAnnouncements(known);
    expect(text).toContain('127.0.0.1:7201');
    expect(text).not.toContain('swissnum');
    const [heading, first, second] = text.trim().split('\n');
    expect(heading).toMatch(/^server .* introducer .* first heard .* last heard .* last reached$/);
    expect(first).toMatch(/s1 .* one .*2026-01-01T00:00:00Z +2026-01-03T00:00:00Z +2026-01-04T00:00:00Z$/);
    expect(second).toMatch(/ two /);
  });
});
