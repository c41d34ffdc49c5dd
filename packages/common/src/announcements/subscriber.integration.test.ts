import { createPublicKey } from 'node:crypto';
import { type RunningNats, startNats, waitFor } from '@holdfast/lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '../bus/index.js';
import {
  generateNodePem,
  generateSigningKey,
  parseNodePem,
  parseSigningKey,
  publicKeyText,
} from '../identity/index.js';
import { recordingLogger, silentLogger } from '../logging/index.js';
import { type SignedAnnouncement, signAnnouncement } from './signed.js';
import { buildStorageAnnouncement } from './storage-announcement.js';
import { type AnnouncementPage, announcementSubjects } from './subjects.js';
import { AnnouncementSubscriber } from './subscriber.js';

// What a subscriber believes of an introducer that answers as it likes.

let nats: RunningNats;
let announcements: SignedAnnouncement[];
beforeAll(async () => {
  nats = await startNats();
  const tls = parseNodePem(await generateNodePem());
  announcements = Array.from({ length: 3 }, (_, index) => {
    const signingKey = parseSigningKey(generateSigningKey());
    const serverId = publicKeyText(signingKey);
    const identity = { serverId, signingKey, publicKey: createPublicKey(signingKey), tls };
    const locations = [{ host: '127.0.0.1', port: 7201 }];
    const fields = { identity, nickname: `s${index}`, seqnum: 1, locations, swissnum: 'abc', version: '1' };
    return signAnnouncement(buildStorageAnnouncement(fields), identity);
  }).sort((a, b) => (a.key < b.key ? -1 : 1));
});
afterAll(() => nats?.[Symbol.asyncDispose]());
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** An introducer that answers so, and somebody who subscribes to it. */
function subscribe(answer: (after: string | undefined) => AnnouncementPage) {
  const asked: (string | undefined)[] = [];
  const heard = new Set<string>();
  const { logger, lines } = recordingLogger();
  const grid = `g${Math.random().toString(36).slice(2)}`;
  const introducer = new Bus({ url: nats.url, name: 'introducer', logger: silentLogger() });
  introducer.serve(announcementSubjects(grid).list, ({ after }) => {
    asked.push(after);
    return answer(after);
  });
  const bus = new Bus({ url: nats.url, name: 'subscriber', logger: silentLogger() });
  const onAnnouncement = ({ serverId }: { serverId: string }) => heard.add(serverId);
  const stop = new AnnouncementSubscriber({ bus, grid, logger, onAnnouncement }).start();
  ends.push(async () => {
    await stop();
    await bus.close();
    await introducer.close();
  });
  return { asked, heard, lines };
}

describe('a subscriber that asks for all servers', () => {
  it('hears of those on all pages, in their order', async () => {
    const { heard, lines } = subscribe((after = '') => {
      const [first, more] = announcements.filter(({ key }) => key > after);
      if (!first) return { announcements: [] };
      return { announcements: [first], ...(more ? { next: first.key } : {}) };
    });
    await waitFor('all are heard', () => heard.size === 3 || undefined);
    expect(lines).toEqual([]);
  });

  it.each([
    ['always the same', () => ({ announcements: [], next: 'same' })],
    ['ever new ones without servers', (after = 'a') => ({ announcements: [], next: `${after}a` })],
    [
      'ever the same page',
      () => ({ announcements: announcements.slice(0, 1), next: announcements[0]?.key ?? '' }),
    ],
  ])('does not follow an introducer that names as the next page %s', async (_what, answer) => {
    const { asked, lines } = subscribe(answer);
    const line = await waitFor('it is in the log', () => lines[0]);
    expect(line.msg).toMatch(/tells its servers without end/);
    expect(asked.length).toBeLessThanOrEqual(2 * 2);
  });
});
