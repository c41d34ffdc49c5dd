import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fiveServers } from './testing/five-servers.js';
import { collect } from './testing/lab-client.js';
import type { Relay } from './testing/relay.js';
import type { ShareFile } from './testing/share-files.js';

// Reading while servers are silent or slow: five real servers with one share of each file on each.

const encoding = { required: 3, happy: 5, total: 5, maximumSegmentSize: 32 * 1024 };
/** Its shares are read whole in one request. */
const small = 100_000;

const five = fiveServers({ encoding, relayed: true });

describe('a file behind a network that stops passing bytes', () => {
  const relaysOf = (shares: readonly ShareFile[]) =>
    shares.map(
      ({ server }) =>
        five.client.relays.get(server) as NonNullable<ReturnType<typeof five.client.relays.get>>,
    );
  /** Well below the deadline of one request: the download did not wait for it. */
  const soon = 14_000;

  it.each([
    ['before it is opened', 'before'],
    ['once it is open', 'open'],
    ['in the middle of reading', 'reading'],
  ])('is read from the others when two servers fall silent %s', async (_name, when) => {
    const { content, capability, shares } = await five.storedFiles.store(3_000_000);
    const silent = relaysOf(shares.slice(0, 2));
    const fallSilent = (now: string) => {
      if (now === when) for (const relay of silent) relay.stall();
    };
    const started = performance.now();
    fallSilent('before');
    const file = await five.client.grid.open(capability);
    fallSilent('open');
    const pieces: Buffer[] = [];
    for await (const piece of file.read(0, file.size)) {
      fallSilent('reading');
      pieces.push(Buffer.from(piece));
    }
    for (const relay of silent) relay.resume();
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect(performance.now() - started).toBeLessThan(soon);
    await five.client.connected(5);
  });

  it('is opened from others when two servers say that they have a share, and then never send it', async () => {
    const { content, text, shares } = await five.storedFiles.store(3_000_000);
    const silent = relaysOf(shares.slice(0, 2));
    for (const relay of silent) relay.stallAbove(1_500);
    const started = performance.now();
    const read = await five.client.read(text);
    expect(performance.now() - started).toBeLessThan(soon);
    for (const relay of silent) relay.resume();
    expect(read.equals(content)).toBe(true);
  });

  it('is read in time when a server opens its share and then dawdles', async () => {
    const { content, capability, shares } = await five.storedFiles.store(3_000_000);
    const [relay] = relaysOf(shares);
    const started = performance.now();
    const file = await five.client.grid.open(capability);
    relay?.delay(3_000);
    const read = await collect(file.read(0, file.size));
    relay?.delay(0);
    expect(read.equals(content)).toBe(true);
    expect(performance.now() - started).toBeLessThan(soon);
  });

  /** Reads a file of which a share stalls, to its end; gives how many of the two spare shares were opened. */
  async function readPastStall(): Promise<number> {
    const { content, capability, shares } = await five.storedFiles.store(3_000_000);
    const said = new Map(relaysOf(shares).map((relay) => [relay, relay.said()]));
    const saidSince = (relay: Relay) => relay.said() - (said.get(relay) ?? 0);
    const file = await five.client.grid.open(capability);
    // Two servers were asked for no more than which shares they hold.
    const [one, two, ...used] = [...said.keys()].sort((a, b) => saidSince(a) - saidSince(b));
    const spare = [one, two] as Relay[];
    for (const relay of spare) said.set(relay, relay.said());
    const [stalled] = used;
    stalled?.stall();
    try {
      expect((await collect(file.read(0, file.size))).equals(content)).toBe(true);
    } finally {
      stalled?.resume();
    }
    const opened = spare.map(saidSince).filter((bytes) => bytes > 10_000).length;
    await five.client.connected(5);
    return opened;
  }

  it('opens one share for one that stalls, and no more', async () => {
    // Where the server of the first spare is too busy to send in time, the second is opened after all.
    let opened = 0;
    for (let turn = 0; opened !== 1 && turn < 10; turn++) opened = await readPastStall();
    expect(opened).toBe(1);
  }, 120_000);

  it.each(['while it is opened', 'while it is read'])(
    'ends at once when its reader leaves %s',
    async (when) => {
      const { capability, shares } = await five.storedFiles.store(3_000_000);
      const leaving = new AbortController();
      const { signal } = leaving;
      const stall = () => {
        for (const relay of relaysOf(shares)) relay.stall();
        setTimeout(() => leaving.abort(new Error('the reader left')), 100);
      };
      const started = performance.now();
      if (when === 'while it is opened') stall();
      const reading = five.client.grid.open(capability, { signal }).then((file) => {
        stall();
        return collect(file.read(0, file.size));
      });
      await expect(reading.then(({ length }) => length)).rejects.toThrow('the reader left');
      expect(performance.now() - started).toBeLessThan(8_000);
      for (const relay of relaysOf(shares)) relay.resume();
      await five.client.connected(5);
    },
  );

  it('waits for slow servers where there are no others', async () => {
    const { content, text, shares } = await five.storedFiles.store(small);
    const slow = relaysOf(shares.slice(0, 2));
    for (const { path } of shares.slice(3)) await rm(path);
    for (const relay of slow) relay.delay(1_100);
    expect((await five.client.read(text)).equals(content)).toBe(true);
    for (const relay of slow) relay.delay(0);
  });
});
