import type { VerifiedAnnouncement } from '@holdfast/common/announcements';
import { recordingLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import type { KnownServer } from '@holdfast/grid';
import { beforeEach, describe, expect, it } from 'vitest';
import { KnownServers } from './known-servers.js';
import { tellOfPassedOver } from './passed-over.js';

const plenty = { most: 2_000 };
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
  let forgotten: string[];
  let known: KnownServers;
  const set = {
    set: (server: KnownServer) => void told.push(server),
    forget: (id: string) => void forgotten.push(id),
  };
  beforeEach(() => {
    told = [];
    forgotten = [];
    known = new KnownServers(set, plenty);
  });

  const hear = (introducer: string, seqnum: number, nickname?: string) =>
    known.hear({ introducer, announcement: announcement(seqnum, nickname) });
  const byHand = {
    nickname: 'by hand',
    'anonymous-storage-NURLs': ['direct'],
    'anonymous-storage-FURL': 'furl of it',
  };
  const override = (announcement: Partial<typeof byHand> | undefined) =>
    known.override(
      announcement
        ? {
            [id]: {
              server_options: { announcement: { 'anonymous-storage-NURLs': ['direct'], ...announcement } },
            },
          }
        : {},
    );

  it('takes an old announcement again when it is remembered no longer that its server was forgotten', () => {
    known.forget(id, 5);
    known.rememberForgotten(new Set([id]));
    expect(hear('one', 5)).toBe(false);
    known.rememberForgotten(new Set());
    expect(hear('one', 5)).toBe(true);
  });

  it('takes the highest seqnum, whichever introducer it came from', () => {
    hear('one', 5, 'old');
    hear('two', 7, 'new');
    hear('one', 6, 'replayed');
    hear('one', 7, 'again');
    expect(told.map(({ nickname, source }) => [nickname, source])).toEqual([
      ['old', 'introducer:one'],
      ['new', 'introducer:two'],
    ]);
  });

  it('believes in no more servers than it may, and goes on hearing of those it knows', () => {
    const few = new KnownServers(set, { most: 2 });
    const heard = (name: string, seqnum: number) => {
      const serverId = `v0-${name.repeat(52)}`;
      return few.hear({ introducer: 'one', announcement: { ...announcement(seqnum, name), serverId } });
    };
    expect(['a', 'b', 'c', 'd'].map((name) => heard(name, 1))).toEqual([true, true, false, false]);
    expect(['a', 'b', 'c'].map((name) => heard(name, 2))).toEqual([true, true, false]);
    expect(told).toHaveLength(4);
  });

  it('tells the operator of those beyond: each in a figure, and once in the log', async () => {
    const { logger, lines } = recordingLogger();
    const registry = createRegistry({});
    const few = new KnownServers(set, { most: 1, onPassedOver: tellOfPassedOver(logger, registry) });
    for (const introducer of ['one', 'two']) {
      for (let time = 0; time < 100; time++)
        for (const name of ['a', 'b', 'c', 'd']) {
          const serverId = `v0-${(introducer === 'one' ? name : `${name}2`).repeat(52).slice(0, 52)}`;
          few.hear({ introducer, announcement: { ...announcement(1), serverId } });
        }
    }
    expect(lines).toMatchObject([
      { introducer: 'one', most: 1, msg: 'an introducer tells of more servers than are believed' },
      { introducer: 'two', most: 1 },
    ]);
    expect(await registry.metrics()).toContain(
      'holdfast_announcements_passed_over_total{introducer="one"} 300',
    );
  });

  it('finds worth remembering what is newer than all that the same introducer told', () => {
    expect(hear('one', 5)).toBe(true);
    expect(hear('one', 5)).toBe(false);
    expect(hear('one', 4)).toBe(false);
    // Not news of the server, but of the introducer.
    expect(hear('two', 5)).toBe(true);
    expect(hear('two', 5)).toBe(false);
  });

  it('lets no introducer fill the room of another with servers that it invents', () => {
    const few = new KnownServers(set, { most: 1 });
    const heard = (introducer: string, name: string) =>
      few.hear({ introducer, announcement: { ...announcement(1), serverId: `v0-${name.repeat(52)}` } });
    expect(heard('evil', 'a')).toBe(true);
    expect(heard('evil', 'b')).toBe(false);
    expect(heard('good', 'b')).toBe(true);
  });

  it('knows who tells of a server, the one that is believed first', () => {
    hear('one', 5);
    hear('two', 7);
    expect(known.sources(id)).toEqual(['introducer:two', 'introducer:one']);
    override(byHand);
    expect(known.sources(id)).toEqual(['connections.yaml', 'introducer:two', 'introducer:one']);
    expect(known.sources('v0-nobody')).toEqual([]);
  });

  it('forgets a server until it announces something newer, and finds room for another meanwhile', () => {
    const few = new KnownServers(set, { most: 1 });
    const told = (seqnum: number, serverId = id) =>
      few.hear({ introducer: 'one', announcement: { ...announcement(seqnum), serverId } });
    told(5);
    expect(few.forget(id, 5)).toBe(true);
    expect(forgotten).toEqual([id]);
    expect(few.sources(id)).toEqual([]);
    // What the introducer tells again brings nothing back.
    expect(told(5)).toBe(false);
    expect(few.forget(id, 5)).toBe(false);
    expect(told(6)).toBe(true);
    // It is there again: what was forgotten before does not concern it.
    expect(few.forget(id, 5)).toBe(false);
    few.forget(id, 6);
    expect(told(1, `v0-${'b'.repeat(52)}`)).toBe(true);
  });

  it('forgets a server whose clock was far ahead, which comes back by the right time', () => {
    const now = Date.now();
    hear('one', now + 366 * 86_400_000);
    expect(known.forget(id, now)).toBe(true);
    expect(hear('one', now)).toBe(false);
    expect(hear('one', now + 1)).toBe(true);
    expect(known.forget(id, now)).toBe(false);
  });

  it('does not forget a server again and again whose clock is still far ahead', () => {
    const now = Date.now();
    hear('one', now + 366 * 86_400_000);
    expect(known.forget(id, now)).toBe(true);
    expect(hear('one', now + 366 * 86_400_000 + 1)).toBe(true);
    expect(known.forget(id, now)).toBe(false);
    expect(known.forget(id, now + 1)).toBe(true);
  });

  it('keeps a server that the operator names when what it announced is forgotten', () => {
    hear('one', 5);
    override(byHand);
    known.forget(id, 5);
    expect(forgotten).toEqual([]);
    expect(known.sources(id)).toEqual(['connections.yaml']);
  });

  describe('believes the operator rather than the server itself', () => {
    it('but still notes what is heard', () => {
      override(byHand);
      expect(hear('one', 5)).toBe(true);
      expect(told.at(-1)).toMatchObject({ id, nickname: 'by hand', nurls: ['direct'], furl: 'furl of it' });
      expect(told.at(-1)?.source).toBe('connections.yaml');
    });

    it('and takes what the clause leaves out from what is announced', () => {
      override({});
      expect(told.at(-1)).toMatchObject({ nurls: ['direct'], nickname: '', furl: '' });
      hear('one', 5, 'announced');
      expect(told.at(-1)).toMatchObject({ nurls: ['direct'], nickname: 'announced', furl: 'furl' });
    });

    it('and that a server is leaving, unless the clause says otherwise', () => {
      const { announcement: staying, ...heard } = { announcement: announcement(5), introducer: 'one' };
      known.hear({ ...heard, announcement: { ...staying, body: { ...staying.body, leaving: true } } });
      expect(told.at(-1)?.leaving).toBe(true);
      override(byHand);
      expect(told.at(-1)?.leaving).toBe(true);
      const clause = (leaving: boolean) => ({ server_options: { announcement: { ...byHand, leaving } } });
      known.override({ [id]: clause(false) });
      expect(told.at(-1)?.leaving).toBe(false);
      known.hear({ introducer: 'one', announcement: announcement(6) });
      known.override({ [id]: clause(true) });
      expect(told.at(-1)?.leaving).toBe(true);
    });

    it('until the clause is taken out, and has no server without either', () => {
      hear('one', 5, 'announced');
      override(byHand);
      hear('one', 6, 'announced later');
      override(undefined);
      expect(told.at(-1)).toMatchObject({ nickname: 'announced later', source: 'introducer:one' });
      const other = new KnownServers(set, plenty);
      other.override({ [id]: { server_options: { announcement: byHand } } });
      other.override({});
      expect(forgotten).toEqual([id]);
    });

    it('and tells how it is reached: by its own map, else by that for all', () => {
      const [tor, direct] = [
        { tor: { handler: 'tor', parameters: { endpoint: { path: '/socks' } } } },
        { tcp: { handler: 'tcp' } },
      ] as const;
      hear('one', 5);
      expect(told.at(-1)?.connectionTypes).toEqual(direct);
      const announced = { 'anonymous-storage-NURLs': ['direct'] };
      known.override({}, tor);
      expect(told.at(-1)?.connectionTypes).toEqual(tor);
      const clause = { server_options: { announcement: announced } };
      known.override({ [id]: { ...clause, connection_types: direct } }, tor);
      expect(told.at(-1)?.connectionTypes).toEqual(direct);
      known.override({ [id]: clause }, tor);
      expect(told.at(-1)?.connectionTypes).toEqual(tor);
      const before = told.length;
      known.override({ [id]: clause }, tor);
      expect(told).toHaveLength(before);
    });

    it('and leaves alone servers whose clause did not change', () => {
      override(byHand);
      const before = told.length;
      override(byHand);
      expect(told).toHaveLength(before);
    });
  });
});
