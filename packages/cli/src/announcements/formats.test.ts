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
const known = [{ serverId, seqnum: 12, body, signed: { message: '', signature: '', key: serverId } }];
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
      { serverId, seqnum: 12, announcement: body },
    ]);
  });

  it('are listed for people without what gives access', () => {
    const text = listAnnouncements(known);
    expect(text).toContain('127.0.0.1:7201');
    expect(text).not.toContain('swissnum');
    expect(text.trim().split('\n')).toHaveLength(1);
  });
});
