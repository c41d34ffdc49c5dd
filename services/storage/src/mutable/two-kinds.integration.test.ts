import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { write } from '../testing/slot-changes.js';
import type { TestClient } from '../testing/test-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { bytes, text } from '../testing/texts.js';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  client = server.client;
});
afterAll(() => server?.[Symbol.asyncDispose]());

describe('the two kinds of shares', () => {
  it('are not taken for each other where there are mutable shares', async () => {
    const slot = newIndex();
    const share = { storageIndex: slot, shareNumber: 0 };
    await client.storeMutable(share, bytes('mutable'));
    expect(await client.list(slot)).toEqual([]);
    expect((await client.read(share)).status).toBe(404);
    const { status, body } = await client.allocate(slot, [0, 1], 10);
    expect([status, text(body)]).toEqual([409, 'the shares of this storage index are mutable\n']);
    expect(await server.sql('select from storage.shares where storage_index = $1', [slot])).toHaveLength(1);
    expect(text((await client.readMutable(share)).body)).toBe('mutable');
  });

  it('are not taken for each other where there are immutable shares', async () => {
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    await client.store(share, bytes('immutable'));
    expect(await client.listMutable(share.storageIndex)).toEqual([]);
    expect((await client.readMutable(share)).status).toBe(404);
    for (const number of [0, 1]) {
      const { status } = await client.slot(share.storageIndex, { [number]: { write: [write(0, 'x')] } });
      expect(status).toBe(409);
    }
    expect(text((await client.read(share)).body)).toBe('immutable');
  });

  it.each([0, 200])('do not meet where an immutable share %i is on its way', async (shareNumber) => {
    const share = { storageIndex: newIndex(), shareNumber };
    await client.allocated(share.storageIndex, [shareNumber], 4);
    const makeSlot = () => client.slot(share.storageIndex, { 0: { write: [write(0, 'x')] } });
    expect((await makeSlot()).status).toBe(409);
    await client.write(share, { begin: 0, end: 4 }, 'four');
    expect(text((await client.read(share)).body)).toBe('four');
    expect((await makeSlot()).status).toBe(409);
    expect(await client.listMutable(share.storageIndex)).toEqual([]);
  });

  it('a slot can be made once no immutable share is on its way any more', async () => {
    const share = { storageIndex: newIndex(), shareNumber: 200 };
    await client.allocated(share.storageIndex, [199, 200], 4);
    const makeSlot = () => client.slot(share.storageIndex, { 0: { write: [write(0, 'x')] } });
    await client.abort(share);
    expect((await makeSlot()).status).toBe(409);
    await client.abort({ ...share, shareNumber: 199 });
    expect((await makeSlot()).status).toBe(200);
  });

  it.each([0, 200])(
    'asked for at the same time, immutable share %i: one kind is there, whole',
    async (number) => {
      for (let round = 0; round < 10; round++) {
        const storageIndex = newIndex();
        const [allocated, slot] = await Promise.all([
          client.allocate(storageIndex, [number], 4),
          client.slot(storageIndex, { 0: { write: [write(0, 'slot')] } }),
        ]);
        expect([allocated.status, slot.status].sort()).toEqual([200, 409]);
      }
    },
  );

  it('whoever asks to store an immutable share where there is a slot keeps nobody from writing it', async () => {
    const slot = newIndex();
    await client.storeMutable({ storageIndex: slot, shareNumber: 0 }, bytes('slot'));
    for (let round = 0; round < 20; round++) {
      const [allocated, written] = await Promise.all([
        client.allocate(slot, [0, 200], 4),
        client.slot(slot, { 0: { write: [write(0, `${round}`)] } }),
      ]);
      expect([allocated.status, written.status]).toEqual([409, 200]);
    }
  });
});
