import { createPublicKey } from 'node:crypto';
import { freePort, startNats, waitFor } from '@holdfast/lab';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '../bus/index.js';
import {
  generateNodePem,
  generateSigningKey,
  type Identity,
  parseNodePem,
  parseSigningKey,
  publicKeyText,
} from '../identity/index.js';
import { silentLogger } from '../logging/index.js';
import { Announcer } from './announcer.js';
import { verifyAnnouncement } from './signed.js';
import { buildStorageAnnouncement } from './storage-announcement.js';
import { type AnnounceAnswer, announcementSubjects } from './subjects.js';

// A storage server and the introducers that it tells of itself, each on a bus of its own.

const logger = silentLogger();
const grid = 'g';
let identity: Identity;
beforeAll(async () => {
  const signingKey = parseSigningKey(generateSigningKey());
  identity = {
    serverId: publicKeyText(signingKey),
    signingKey,
    publicKey: createPublicKey(signingKey),
    tls: parseNodePem(await generateNodePem()),
  };
});
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** An introducer that answers as it is told to, on a bus at `port`, and keeps what it was asked. */
async function startIntroducer(port: number, answer: (seqnum: number) => AnnounceAnswer) {
  const nats = await startNats({ port });
  const bus = new Bus({ url: nats.url, name: 'introducer', logger });
  const heard: number[] = [];
  bus.serve(announcementSubjects(grid).announce, (signed) => {
    const { seqnum } = verifyAnnouncement(signed);
    heard.push(seqnum);
    return answer(seqnum);
  });
  let ended = false;
  const end = async () => {
    if (ended) return;
    ended = true;
    await bus.close();
    await nats[Symbol.asyncDispose]();
  };
  ends.push(end);
  return { heard, end };
}

const ports = async () => [await freePort(), await freePort()] as const;
const accept = (): AnnounceAnswer => ({ accepted: true });

function startAnnouncer(ports: readonly number[]): Announcer {
  const introducers = new Map(
    ports.map((port) => [
      String(port),
      new Bus({ url: `nats://127.0.0.1:${port}`, name: 'storage', logger }),
    ]),
  );
  const announcer = new Announcer({
    introducers,
    grid,
    identity,
    logger,
    describe: (seqnum) =>
      buildStorageAnnouncement({
        identity,
        nickname: 's1',
        seqnum,
        locations: [{ host: '127.0.0.1', port: 7201 }],
        swissnum: 'abc',
        version: '1',
      }),
  });
  const stop = announcer.start();
  ends.push(async () => {
    await stop();
    for (const bus of introducers.values()) await bus.close();
  });
  return announcer;
}

const heardBy = (introducer: { heard: number[] }, count = 1) =>
  waitFor(`${count} heard`, () => (introducer.heard.length >= count ? introducer.heard : undefined));

describe('a server that announces itself at two introducers', () => {
  it('tells both the same, and something new to both at once', async () => {
    const [a, b] = await ports();
    const [one, two] = [await startIntroducer(a, accept), await startIntroducer(b, accept)];
    const announcer = startAnnouncer([a, b]);
    await heardBy(one);
    await heardBy(two);
    expect(new Set([...one.heard, ...two.heard]).size).toBe(1);
    announcer.again();
    const latest = await waitFor('both heard of it', () => {
      const [atOne, atTwo] = [one.heard.at(-1), two.heard.at(-1)];
      return atOne === atTwo && atOne !== one.heard[0] ? atOne : undefined;
    });
    expect(latest).toBeGreaterThan(one.heard[0] ?? 0);
  });

  it('tells one when it comes up, and the other nothing new for that', async () => {
    const [a, b] = await ports();
    const one = await startIntroducer(a, accept);
    startAnnouncer([a, b]);
    await heardBy(one);
    const two = await startIntroducer(b, accept);
    await heardBy(two);
    expect(new Set([...one.heard, ...two.heard]).size).toBe(1);
    const before = one.heard.length;
    await two.end();
    const again = await startIntroducer(b, accept);
    await heardBy(again);
    expect(again.heard[0]).toBe(one.heard[0]);
    expect(one.heard).toHaveLength(before);
  });

  it('goes beyond what one of them knows already, at both', async () => {
    const [a, b] = await ports();
    const newest = Date.now() + 86_400_000;
    const one = await startIntroducer(a, accept);
    const two = await startIntroducer(b, (seqnum) =>
      seqnum > newest ? { accepted: true } : { refused: `seqnum ${seqnum} is not above ${newest}`, newest },
    );
    startAnnouncer([a, b]);
    await waitFor('both have the same', () => {
      const [atOne, atTwo] = [one.heard.at(-1), two.heard.at(-1)];
      return (atOne === newest + 1 && atTwo === newest + 1) || undefined;
    });
  });

  it('is not driven on by one that knows of ever higher seqnums', async () => {
    const [a, b] = await ports();
    await startIntroducer(a, accept);
    const at: number[] = [];
    await startIntroducer(b, (seqnum) => {
      at.push(performance.now());
      return { refused: 'stale', newest: seqnum + 1000 };
    });
    startAnnouncer([a, b]);
    await waitFor('it was told four times', () => at.length >= 4 || undefined, { timeoutMs: 110_000 });
    // The pauses between them grow from 200 ms at the least.
    expect((at[3] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(1_000);
  }, 120_000);

  it('is believed by the others when one says that it knows a seqnum beyond all', async () => {
    const [a, b] = await ports();
    const one = await startIntroducer(a, accept);
    const two = await startIntroducer(b, () => ({ refused: 'stale', newest: Number.MAX_SAFE_INTEGER }));
    startAnnouncer([a, b]);
    await heardBy(two, 3);
    await heardBy(one);
    for (const seqnum of one.heard) expect(seqnum).toBeLessThan(Date.now() + 2 * 86_400_000);
  });

  it('is not held up by one that is never there, or refuses for ever', async () => {
    const [a, b] = await ports();
    const two = await startIntroducer(b, () => ({ refused: 'for a reason of its own' }));
    const announcer = startAnnouncer([await freePort(), a, b]);
    await heardBy(two, 2);
    const one = await startIntroducer(a, accept);
    await heardBy(one);
    const [first] = one.heard;
    announcer.again();
    await waitFor(
      'one hears of the new one',
      () => one.heard.some((seqnum) => seqnum !== first) || undefined,
    );
  });
});
