import type { VerifiedAnnouncement } from '@holdfast/common/announcements';
import type { KnownServer } from '@holdfast/grid';
import { beforeEach, describe, expect, it } from 'vitest';
import { KnownServers } from './known-servers.js';

const id = `v0-${'a'.repeat(52)}`;

function announcement(seqnum: number, nickname = 's1'): VerifiedAnnouncement {
  const body = {
    'service-name': 'storage' as const,
    version: 0,
    nickname,
    seqnum,
    'anonymous-storage-FURL': 'furl',
    'anonymous-storage-NURLs': ['nurl'],
  };
  return { serverId: id, seqnum, body, signed: { message: '', signature: '', key: id } };
}

describe('KnownServers', () => {
  let told: KnownServer[];
  let known: KnownServers;
  beforeEach(() => {
    told = [];
    known = new KnownServers({ set: (server) => void told.push(server) });
  });

  it('takes the highest seqnum, whichever introducer it came from', () => {
    expect(known.hear({ introducer: 'one', announcement: announcement(5, 'old') })).toBe(true);
    expect(known.hear({ introducer: 'two', announcement: announcement(7, 'new') })).toBe(true);
    expect(known.hear({ introducer: 'one', announcement: announcement(6, 'replayed') })).toBe(false);
    expect(known.hear({ introducer: 'two', announcement: announcement(7, 'again') })).toBe(false);
    expect(told.map(({ nickname, source }) => [nickname, source])).toEqual([
      ['old', 'introducer:one'],
      ['new', 'introducer:two'],
    ]);
  });

  it('believes in no more servers than it may, and goes on hearing of those it knows', () => {
    const few = new KnownServers({ set: (server) => void told.push(server) }, 2);
    const heard = (name: string, seqnum: number) => {
      const serverId = `v0-${name.repeat(52)}`;
      return few.hear({ introducer: 'one', announcement: { ...announcement(seqnum, name), serverId } });
    };
    expect(['a', 'b', 'c', 'd'].map((name) => heard(name, 1))).toEqual([true, true, false, false]);
    expect(['a', 'b', 'c'].map((name) => heard(name, 2))).toEqual([true, true, false]);
    expect(told).toHaveLength(4);
  });

  it('believes the operator rather than the server itself, but still notes what is heard', () => {
    known.name({
      [id]: {
        server_options: {
          announcement: {
            nickname: 'by hand',
            'anonymous-storage-NURLs': ['direct'],
            'anonymous-storage-FURL': 'furl',
          },
        },
      },
    });
    expect(known.hear({ introducer: 'one', announcement: announcement(5) })).toBe(true);
    expect(told).toEqual([
      expect.objectContaining({ id, nickname: 'by hand', nurls: ['direct'], source: 'connections.yaml' }),
    ]);
  });
});
