import { once } from 'node:events';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { type Capability, parseCapability } from '@holdfast/lafs';
import { expect, it } from 'vitest';
import { localCoding } from './coding/local-coding.js';
import { ServerSet } from './connections/server-set.js';
import { Grid } from './grid.js';
import { TransferMemory } from './memory/transfer-memory.js';

const stored = (size: number): Capability =>
  parseCapability(
    `URI:CHK:mj3q43xtjd2p4yycw32b4t3vsm:wp6peuuy2ooshhsaaubuy7bnwp2lvhtznalb3e4noxxd5jcz4hpq:3:10:${size}`,
  );

it('files are opened and checked while slow clients hold all memory for bodies, and others wait for it', async () => {
  const logger = silentLogger();
  // A grid without a server: what is opened there is not found, once it is looked for.
  const servers = new ServerSet({ leaseSecret: new Uint8Array(32), logger, registry: createRegistry({}) });
  const grid = new Grid({
    servers,
    encoding: { required: 3, happy: 7, total: 10, maximumSegmentSize: 2 ** 20 },
    convergenceSecret: new Uint8Array(32),
    spoolDir: '/nonexistent',
    memory: new TransferMemory(40 * 2 ** 20, { longestWait: 1_000 }),
    coding: localCoding,
    logger,
  });
  const leaving = new AbortController();
  async function* stalled() {
    yield Buffer.from('h');
    await once(leaving.signal, 'abort');
    throw new Error('the client went away');
  }
  const { signal } = leaving;
  const uploads = Promise.allSettled(Array.from({ length: 64 }, () => grid.upload(stalled(), { signal })));
  for (const size of [1_000, 100_000_000, 5_000_000_000])
    await expect(grid.open(stored(size))).rejects.toMatchObject({ code: 'not-enough-shares' });
  const results = await grid.check(stored(1_000), { verify: true });
  expect(results).toMatchObject({ goodShareCount: 0 });
  leaving.abort();
  await uploads;
  await servers.close();
});
