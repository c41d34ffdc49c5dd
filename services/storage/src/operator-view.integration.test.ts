import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { encodeCorruptionReport, storageRoutes } from '@holdfast/lafs';
import { expect, it } from 'vitest';
import { newShare } from './testing/new-shares.js';
import { secrets } from './testing/test-client.js';
import { startTestServer } from './testing/test-server.js';

it('the operator port counts requests and shares', async () => {
  await using server = await startTestServer();
  await server.client.store(newShare(), randomBytes(10));
  const metrics = await (await fetch(`${server.operator}/metrics`)).text();
  expect(metrics).toMatch(/holdfast_storage_requests_total\{.*route="writeShare".*status="201".*\} [1-9]/);
  expect(metrics).toMatch(/holdfast_storage_shares_stored_total\{.*\} [1-9]/);
  expect(metrics).toMatch(/holdfast_storage_open_uploads/);
  expect((await fetch(`${server.operator}/healthz`)).status).toBe(200);
});

it('the log has no secret and no credential in it', async () => {
  await using server = await startTestServer();
  const { client } = server;
  const share = newShare();
  const known = [client.swissnum, ...Object.values(secrets).map((each) => each.toString('base64'))];
  await client.store(share, randomBytes(10));
  await client.storeWhole(share.storageIndex, new Map([[1, randomBytes(10)]]));
  await client.renew(share.storageIndex);
  await client.abort(share);
  await client.request('PATCH', storageRoutes.writeShare.path(share), {
    headers: {
      'x-tahoe-authorization': [`upload-secret ${secrets['upload-secret'].toString('base64')}, x`],
    },
  });
  await client.request('POST', storageRoutes.reportCorruption.path(share), {
    headers: { 'content-type': 'application/cbor' },
    body: encodeCorruptionReport(`read with ${known.join(' and ')}`),
  });
  const log = await readFile(server.log, 'utf8');
  expect(log).toContain('serving shares');
  expect(log).toContain('a reader reports a corrupt share');
  for (const secret of known) expect(log).not.toContain(secret);
});
