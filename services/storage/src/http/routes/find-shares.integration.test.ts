import { randomBytes } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import {
  encodeCbor,
  encodeFindRequest,
  largestWholeShare,
  maximumFindRequestSize,
  mostFilesAsked,
  mostWholeShareBytes,
  sharePath,
} from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newIndex } from '../../testing/new-shares.js';
import type { TestClient } from '../../testing/test-client.js';
import { startTestServer, type TestServer } from '../../testing/test-server.js';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  client = server.client;
});
afterAll(() => server?.[Symbol.asyncDispose]());

const newData = (size: number) => new Uint8Array(randomBytes(size));

/** A file of which the server has these shares. */
async function stored(shares: ReadonlyMap<number, Uint8Array>): Promise<Uint8Array> {
  const storageIndex = newIndex();
  for (const [shareNumber, data] of shares) await client.store({ storageIndex, shareNumber }, data);
  return storageIndex;
}

const nothing = { shares: new Map(), others: new Set() };

describe('the shares of many files', () => {
  it('are listed in the order in which they were asked for, with as much of their data as is wanted', async () => {
    const shares = new Map([0, 7].map((number) => [number, newData(1_000)]));
    const storageIndex = await stored(shares);
    const large = await stored(new Map([[2, newData(largestWholeShare + 1)]]));
    const answers = await client.find([
      { storageIndex, most: 2_000 },
      { storageIndex: newIndex(), most: 2_000 },
      { storageIndex, most: 1_999 },
      { storageIndex, most: 0 },
      { storageIndex: large, most: mostWholeShareBytes },
      { storageIndex, most: 999 },
    ]);
    expect(answers[0]).toEqual({ shares, others: new Set() });
    expect(answers[1]).toEqual(nothing);
    expect(answers[2]?.shares.size).toBe(1);
    expect(answers[2]?.others.size).toBe(1);
    expect(answers[3]).toEqual({ shares: new Map(), others: new Set([0, 7]) });
    expect(answers[4]).toEqual({ shares: new Map(), others: new Set([2]) });
    expect(answers[5]).toEqual({ shares: new Map(), others: new Set([0, 7]) });
  });

  it('are as many as one request may ask for', async () => {
    const storageIndex = await stored(new Map([[1, newData(10)]]));
    const question = { storageIndex, most: 0 };
    const answers = await client.find(Array.from({ length: mostFilesAsked }, () => question));
    expect(answers).toEqual(answers.map(() => ({ shares: new Map(), others: new Set([1]) })));
  });

  it('that do not fit into one answer are to be asked for by themselves', async () => {
    const shares = new Map([0, 1, 2].map((number) => [number, newData(largestWholeShare)]));
    const storageIndex = await stored(shares);
    const question = { storageIndex, most: 3 * largestWholeShare };
    const answers = await client.find([question, question, question, { storageIndex, most: 0 }]);
    expect(answers.filter((answer) => answer === null)).toHaveLength(1);
    expect(answers.filter((answer) => answer?.shares.size === 3)).toHaveLength(2);
    expect(answers[3]).toEqual({ shares: new Map(), others: new Set([0, 1, 2]) });
  });

  it('that are damaged are not among them, and in quarantine', async () => {
    const storageIndex = await stored(new Map([0, 1].map((number) => [number, newData(100)])));
    await server.stop();
    await truncate(join(server.shares, sharePath(storageIndex, 0)), 5);
    await server.start();
    const question = { storageIndex, most: 0 };
    const answers = await client.find([question, { storageIndex, most: 1_000 }]);
    expect(answers[0]?.others).toEqual(new Set([1]));
    expect([...(answers[1]?.shares.keys() ?? [])]).toEqual([1]);
    expect(await client.list(storageIndex)).toEqual([1]);
    const damaged = () =>
      server.sql('select share_number from storage.damaged_shares where storage_index = $1', [storageIndex]);
    await expect.poll(damaged).toEqual([{ share_number: 0 }]);
  });
});

describe('a question for many files', () => {
  const question = encodeFindRequest([{ storageIndex: newIndex(), most: 0 }]);

  it.each([
    ['nothing', new Uint8Array(0), 400],
    ['what is no CBOR', Buffer.from('files'), 400],
    ['no files', encodeCbor({ files: [] }), 400],
    ['a storage index of another length', encodeCbor({ files: [[newData(17), 0]] }), 400],
    ['too many files', encodeCbor({ files: Array(mostFilesAsked + 1).fill([newIndex(), 0]) }), 400],
    ['more data than an answer has', encodeCbor({ files: [[newIndex(), 2 ** 20]] }), 400],
    ['what goes on after its end', Buffer.concat([question, newData(1)]), 400],
    ['more than a question has', newData(maximumFindRequestSize + 1), 413],
  ])('is refused with clear words where it is %s', async (_, body, expected) => {
    const { status, body: words } = await client.askForMany(body);
    expect(status).toBe(expected);
    expect(Buffer.from(words).toString()).toMatch(/^[^\n]{10,300}\n$/);
  });

  it('is refused without the credential, in another format, and with secrets', async () => {
    const refused = async (headers: Readonly<Record<string, string>>) =>
      (await client.askForMany(question, headers)).status;
    expect(await refused({ authorization: 'Tahoe-LAFS bm8=' })).toBe(401);
    expect(await refused({ 'content-type': 'text/plain' })).toBe(415);
    expect(await refused({ accept: 'text/plain' })).toBe(406);
    expect(await refused({ 'x-tahoe-authorization': 'upload-secret AAAA' })).toBe(400);
  });
});
