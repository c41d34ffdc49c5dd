import { expect } from 'vitest';
import type { MixedLoad } from './mixed-load.js';
import type { TestServer } from './test-server.js';

/** Checks that a server holds, byte for byte, all that it acknowledged, and nothing by halves. */
export async function expectAcknowledged(server: TestServer, load: MixedLoad): Promise<void> {
  const { client } = server;
  for (const { data, ...share } of load.stored) {
    const { status, body } = await client.read(share);
    expect(status).toBe(200);
    expect(Buffer.compare(body, data)).toBe(0);
  }
  const acknowledged = new Set(load.stored);
  for (const each of load.begun) {
    if (acknowledged.has(each)) continue;
    const { status, body } = await client.read(each);
    if (status === 200) expect(Buffer.compare(body, each.data)).toBe(0);
    else expect(status).toBe(404);
  }
  for (const { acknowledged: last, unanswered, ...share } of load.slots) {
    const { status, body } = await client.readMutable(share);
    const versions = [...(last ? [last] : []), ...unanswered];
    if (status === 404) expect(last).toBeUndefined();
    else expect(versions.some((each) => Buffer.compare(each, body) === 0)).toBe(true);
  }
}

/** Checks that each acknowledged share and slot is recorded with its lease, and each renewal lasts as it said. */
export async function expectLeases(server: TestServer, load: MixedLoad, duration: number): Promise<void> {
  const rows = await server.sql<{ key: string; expires_at: Date }>(
    `select encode(storage_index, 'hex') || '/' || share_number as key, expires_at
       from storage.leases join storage.shares using (server, storage_index, share_number)
       join storage.accounts on accounts.key = account
      where shares.state = 'stable' and accounts.name = 'anonymous'`,
  );
  const leases = new Map(rows.map(({ key, expires_at }) => [key, expires_at.getTime()]));
  const slots = load.slots.filter(({ acknowledged }) => acknowledged !== undefined);
  for (const { storageIndex, shareNumber } of [...load.stored, ...slots]) {
    const hex = Buffer.from(storageIndex).toString('hex');
    const expiresAt = leases.get(`${hex}/${shareNumber}`);
    expect(expiresAt).toBeDefined();
    const renewed = load.renewed.get(hex);
    if (renewed !== undefined) expect(expiresAt).toBeGreaterThanOrEqual(renewed + duration - 1_000);
  }
}

/** Resolves when no statement of a killed server is under way any more. */
export async function untilDisconnected(server: TestServer): Promise<void> {
  await expect
    .poll(
      () =>
        server.sql(
          `select state from pg_stat_activity
            where datname = current_database() and application_name like 'holdfast storage%'`,
        ),
      { timeout: 10_000, interval: 5 },
    )
    .toEqual([]);
}
