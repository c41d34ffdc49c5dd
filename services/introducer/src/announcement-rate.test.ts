import type { VerifiedAnnouncement } from '@holdfast/common/announcements';
import { beforeEach, describe, expect, it } from 'vitest';
import { AnnouncementRate } from './announcement-rate.js';

const signed = (key: string, seqnum: number) => ({ key, message: `seqnum ${seqnum}`, signature: '' });
const verified = (key: string, seqnum: number) =>
  ({ serverId: key, seqnum, signed: signed(key, seqnum) }) as VerifiedAnnouncement;
const tooMany = { refused: 'too many announcements: at most 20 at once, and one every 3 seconds' };

let now: number;
let rate: AnnouncementRate;
beforeEach(() => {
  now = 0;
  rate = new AnnouncementRate(() => now);
});

/** What the introducer does with an announcement that is right. */
function take(key: string, seqnum: number) {
  const answer = rate.beforeChecking(signed(key, seqnum)) ?? rate.afterChecking(verified(key, seqnum));
  if (!answer) rate.note(key, seqnum, signed(key, seqnum));
  return answer;
}

describe('how often a server may announce itself', () => {
  it('is twenty times at once, and then every three seconds', () => {
    for (let seqnum = 1; seqnum <= 20; seqnum++) expect(take('a', seqnum)).toBeUndefined();
    expect(take('a', 21)).toEqual(tooMany);
    now += 3_000;
    expect(take('a', 22)).toBeUndefined();
    expect(take('a', 23)).toEqual(tooMany);
    now += 3_600_000;
    for (let seqnum = 24; seqnum < 44; seqnum++) expect(take('a', seqnum)).toBeUndefined();
    expect(take('a', 44)).toEqual(tooMany);
  });

  it('is not used up by others, and not by those who say again what it said', () => {
    take('a', 7);
    take('a', 8);
    for (let time = 0; time < 1000; time++) {
      expect(take('a', 8)).toEqual({ accepted: true });
      expect(take('a', 7)).toEqual({ refused: 'seqnum 7 is not above 8', newest: 8 });
      take('b', time + 1);
    }
    for (let seqnum = 9; seqnum < 27; seqnum++) expect(take('a', seqnum)).toBeUndefined();
  });

  it('is not used up by those who cannot sign', () => {
    take('a', 1);
    for (let time = 2; time < 1000; time++) expect(rate.beforeChecking(signed('a', time))).toBeUndefined();
    expect(take('a', 1000)).toBeUndefined();
  });

  it('is refused before the signature is looked at, where it is used up', () => {
    for (let seqnum = 1; seqnum <= 20; seqnum++) take('a', seqnum);
    expect(rate.beforeChecking(signed('a', 21))).toEqual(tooMany);
  });

  it('does not keep it from being taken again half a minute later, when Postgres may have forgotten it', () => {
    take('a', 8);
    now += 29_000;
    expect(take('a', 8)).toEqual({ accepted: true });
    now += 1_000;
    expect(take('a', 8)).toBeUndefined();
    expect(take('a', 8)).toEqual({ accepted: true });
    now += 3_600_000;
    // Who says again what another said uses up nothing, and has Postgres asked once.
    rate.afterChecking(verified('a', 8));
    for (let time = 0; time < 100; time++)
      expect(rate.afterChecking(verified('a', 8))).toMatchObject({ newest: 8 });
    for (let seqnum = 9; seqnum < 29; seqnum++) expect(take('a', seqnum)).toBeUndefined();
  });

  it('does not keep a server away whose clock was ahead, once Postgres has forgotten that', () => {
    take('a', 1_000_000);
    expect(take('a', 8)).toEqual({ refused: 'seqnum 8 is not above 1000000', newest: 1_000_000 });
    now += 30_000;
    // Postgres is asked, and still knows better.
    expect(rate.afterChecking(verified('a', 8))).toBeUndefined();
    rate.note('a', 1_000_000);
    expect(take('a', 9)).toMatchObject({ newest: 1_000_000 });
    now += 30_000;
    expect(take('a', 10)).toBeUndefined();
    expect(take('a', 10)).toEqual({ accepted: true });
    expect(take('a', 9)).toMatchObject({ newest: 10 });
  });

  it('takes nothing for known that has another signature', () => {
    take('a', 8);
    expect(rate.beforeChecking({ ...signed('a', 8), signature: 'forged' })).toBeUndefined();
  });

  it('is remembered of so many servers only', () => {
    take('first', 5);
    for (let server = 0; server < 10_000; server++) take(`server ${server}`, 1);
    expect(take('first', 4)).toBeUndefined();
  });
});
