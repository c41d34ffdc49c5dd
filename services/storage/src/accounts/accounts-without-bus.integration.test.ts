import { storageRoutes } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import type { TestClient } from '../testing/test-client.js';
import { openKeeper } from '../testing/test-keeper.js';
import { startTestServer } from '../testing/test-server.js';
import { setAccountState } from './account-changes.js';

const status = async (client: TestClient) =>
  (await client.request('GET', storageRoutes.version.path({}))).status;

describe('without a bus', () => {
  it('a revoked account, and one that a later server must learn, are noticed within a minute', async () => {
    await using server = await startTestServer();
    await using keeper = await openKeeper(server);
    await keeper.book.create({ name: 'slow' });
    await using late = await startTestServer({ postgres: server.databaseUrl, settings: { nickname: 's2' } });
    const learning = await keeper.client('slow', late);
    expect([await status(learning), await status(server.client)]).toEqual([401, 200]);
    await setAccountState(keeper.database, 'anonymous', 'revoked');
    const minute = { timeout: 60_000, interval: 500 };
    await Promise.all([
      expect.poll(() => status(learning), minute).toBe(200),
      expect.poll(() => status(server.client), minute).toBe(401),
    ]);
  }, 90_000);
});
