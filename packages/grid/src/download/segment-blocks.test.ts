import { stat } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SegmentBlocks } from './segment-blocks.js';
import type { ShareReader } from './share-reader.js';

/** An open share of a number, of which the test gives the block when it likes. */
function openShare(shareNumber: number) {
  let released = 0;
  const release = () => {
    released++;
  };
  let give: (byte: number) => void = () => undefined;
  const bytes = new Promise<Uint8Array>((resolve) => {
    give = (byte) => resolve(Uint8Array.of(byte));
  });
  const reader = {
    share: { shareNumber },
    unprovedBlock: async () => ({ block: await bytes, hash: new Uint8Array(32), release }),
  };
  return { reader: reader as unknown as ShareReader, give, released: () => released };
}

/** Microseconds that this process has had. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

describe('the blocks of a segment', () => {
  it('are asked for of one share of each number, though two are open of one', () => {
    const [three, alsoThree, five] = [openShare(3), openShare(3), openShare(5)];
    const open = [three.reader, alsoThree.reader, five.reader];
    const blocks = new SegmentBlocks(0, { open });
    expect(blocks.unasked()).toEqual([three.reader, five.reader]);
    blocks.ask(three.reader);
    expect(blocks.unasked()).toEqual([five.reader]);
  });

  it('are not asked for of shares whose blocks are there already', () => {
    const [one, two] = [openShare(1), openShare(2)];
    const block = { block: new Uint8Array(1), hash: new Uint8Array(32), release: () => undefined };
    const good = [[one.reader, block]] as const;
    const blocks = new SegmentBlocks(0, { open: [one.reader, two.reader] }, good);
    expect(blocks.unasked()).toEqual([two.reader]);
  });

  it('are waited for until the first comes, or it takes too long, or somebody knows that it will', async () => {
    const [one, two] = [openShare(1), openShare(2)];
    const blocks = new SegmentBlocks(0, { open: [] });
    blocks.ask(one.reader);
    blocks.ask(two.reader);
    expect(await blocks.next(10)).toBe('slow');
    const waiting = blocks.next(60_000);
    blocks.hurry();
    expect(await waiting).toBe('slow');
    two.give(7);
    expect(await blocks.next(60_000)).toMatchObject({
      reader: two.reader,
      block: { block: Uint8Array.of(7) },
    });
  });

  it('are not late where they came while this process had no time to look', async () => {
    const answer = () => new Promise<Uint8Array>((resolve) => stat('/', () => resolve(Uint8Array.of(1))));
    // From here on as in an answer's callback: timers that are due come before the next one's.
    await answer();
    const answered = answer();
    const reader = {
      share: { shareNumber: 1 },
      unprovedBlock: async () => ({
        block: await answered,
        hash: new Uint8Array(32),
        release: () => undefined,
      }),
    } as unknown as ShareReader;
    const blocks = new SegmentBlocks(0, { open: [] });
    blocks.ask(reader);
    const next = blocks.next(10);
    // By the processor's time, in which the answer comes by another thread: a pause stops both.
    for (const end = processorTime() + 300_000; processorTime() < end; );
    expect(await next).toMatchObject({ reader });
  });

  it('are released where they come when nobody waits for them any more', async () => {
    const [one, two] = [openShare(1), openShare(2)];
    const blocks = new SegmentBlocks(0, { open: [] });
    blocks.ask(one.reader);
    blocks.ask(two.reader);
    one.give(1);
    await blocks.next(1_000);
    blocks.pending.delete(one.reader);
    blocks.cancel();
    two.give(2);
    await expect.poll(two.released).toBe(1);
    expect(one.released()).toBe(0);
  });
});
