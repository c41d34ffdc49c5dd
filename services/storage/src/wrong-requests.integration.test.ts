import { randomBytes } from 'node:crypto';
import { encodeCbor, storageRoutes } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newIndex } from './testing/new-shares.js';
import { secrets, type TestClient } from './testing/test-client.js';
import { startTestServer, type TestServer } from './testing/test-server.js';
import { text } from './testing/texts.js';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  client = server.client;
});
afterAll(() => server?.[Symbol.asyncDispose]());

const newShare = (shareNumber = 0) => ({ storageIndex: newIndex(), shareNumber });

describe('wrong requests', () => {
  const share = newShare();
  beforeAll(() => client.allocated(share.storageIndex, [0], 10));
  const body = encodeCbor({ 'share-numbers': new Set([0]), 'allocated-size': 1 });
  const allocatePath = storageRoutes.allocateShares.path(newShare());
  const writePath = storageRoutes.writeShare.path(share);
  const cbor = { 'content-type': 'application/cbor' };
  const range = { 'content-range': 'bytes 0-9/*' };
  const upload = { 'upload-secret': secrets['upload-secret'] };

  it.each<[string, number, string, string, Parameters<TestClient['request']>[2]]>([
    ['no credential', 401, 'GET', '/storage/v1/version', { headers: { authorization: undefined } }],
    [
      'a wrong credential',
      401,
      'GET',
      '/storage/v1/version',
      { headers: { authorization: 'Tahoe-LAFS YWJj' } },
    ],
    ['another scheme', 401, 'GET', '/storage/v1/version', { headers: { authorization: 'Basic YWJj' } }],
    ['an unknown path', 404, 'GET', '/storage/v2/version', {}],
    ['a wrong method', 405, 'DELETE', '/storage/v1/version', {}],
    ['a client that wants anything', 406, 'GET', '/storage/v1/version', { headers: { accept: '*/*' } }],
    [
      'JSON',
      415,
      'POST',
      allocatePath,
      { secrets, headers: { 'content-type': 'application/json' }, body: '{}' },
    ],
    ['no CBOR', 400, 'POST', allocatePath, { secrets, headers: cbor, body: 'hello' }],
    ['CBOR of the wrong shape', 400, 'POST', allocatePath, { secrets, headers: cbor, body: encodeCbor([1]) }],
    [
      'CBOR nested deep',
      400,
      'POST',
      allocatePath,
      { secrets, headers: cbor, body: Buffer.alloc(500_000, 0x81) },
    ],
    [
      'CBOR too large',
      413,
      'POST',
      allocatePath,
      { secrets, headers: cbor, body: Buffer.alloc(1024 * 1024 + 1) },
    ],
    ['no secrets', 400, 'POST', allocatePath, { headers: cbor, body }],
    [
      'a short lease secret',
      400,
      'POST',
      allocatePath,
      { secrets: { ...secrets, 'lease-renew-secret': randomBytes(31) }, headers: cbor, body },
    ],
    ['a secret too many', 400, 'GET', '/storage/v1/version', { secrets: upload }],
    ['no range', 416, 'PATCH', writePath, { secrets: upload, body: '0123456789' }],
    [
      'a wrong upload secret',
      401,
      'PATCH',
      writePath,
      { secrets: { 'upload-secret': randomBytes(20) }, headers: range, body: '0123456789' },
    ],
    [
      'a share that nobody allocated',
      404,
      'PATCH',
      storageRoutes.writeShare.path(newShare()),
      { secrets: upload, headers: range, body: '0123456789' },
    ],
    [
      'more than was allocated',
      416,
      'PATCH',
      writePath,
      { secrets: upload, headers: { 'content-range': 'bytes 5-14/*' }, body: '0123456789' },
    ],
    [
      'another total',
      416,
      'PATCH',
      writePath,
      { secrets: upload, headers: { 'content-range': 'bytes 0-9/11' }, body: '0123456789' },
    ],
    [
      'a body longer than its range',
      400,
      'PATCH',
      writePath,
      { secrets: upload, headers: range, body: '0123456789a' },
    ],
    [
      'a body shorter than its range',
      400,
      'PATCH',
      writePath,
      { secrets: upload, headers: range, body: '012345678' },
    ],
  ])('%s: %i, with one line that says why', async (_, status, method, path, options) => {
    const answer = await client.request(method, path, options);
    expect(answer.status).toBe(status);
    expect(text(answer.body)).toMatch(/^[^\n]+\n$/);
  });

  it('have changed nothing', async () => {
    const { status } = await client.write(share, { begin: 0, end: 10 }, '0123456789');
    expect(status).toBe(201);
    expect(text((await client.read(share)).body)).toBe('0123456789');
  });

  it('a connection that breaks within a body leaves the upload as it was', async () => {
    const broken = newShare();
    await client.allocated(broken.storageIndex, [0], 1_000_000);
    async function* halfway() {
      yield Buffer.alloc(600_000, 1);
      throw new Error('gone');
    }
    await expect(client.write(broken, { begin: 0, end: 1_000_000 }, halfway() as never)).rejects.toThrow();
    const data = randomBytes(1_000_000);
    expect((await client.write(broken, { begin: 0, end: 1_000_000 }, data)).status).toBe(201);
    expect(data.equals((await client.read(broken)).body)).toBe(true);
  });

  it('a large body that nobody asked for: the answer comes through, and the connection can be used again', async () => {
    const options = {
      secrets: upload,
      headers: { 'content-range': 'bytes 0-19999999/*' },
      body: Buffer.alloc(20_000_000),
    };
    expect((await client.request('PATCH', writePath, options)).status).toBe(404);
    const endless = async function* () {
      for (let sent = 0; sent < 5_000_000; sent += 100_000) yield Buffer.alloc(100_000);
    };
    const huge = { secrets, headers: cbor, body: endless() as never };
    expect((await client.request('POST', allocatePath, huge)).status).toBe(413);
    expect((await client.request('GET', '/storage/v1/version')).status).toBe(200);
  });
});
