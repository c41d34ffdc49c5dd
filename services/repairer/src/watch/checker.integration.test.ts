import { OverloadedError } from '@holdfast/common/capacity';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '@holdfast/lab';
import { expect, it } from 'vitest';
import { someVerifyCapability, testQueue } from '../testing/test-queue.js';
import { Checker } from './checker.js';
import { usualThreshold } from './decisions/index.js';
import { RecordedServers } from './recorded-servers.js';
import { nobody, watchFiles } from './records/watched-files.js';

const hour = 3_600_000;
const terms = { period: hour, grace: hour, settle: 0, threshold: usualThreshold(7), backlog: 10 };

it('files under watch are checked at less than one in a second too, and what fails here is not held against the network', async () => {
  await using queue = await testQueue();
  const { database } = queue;
  const file = someVerifyCapability();
  await watchFiles(database, 'test', nobody, [file]);
  const checked: Uint8Array[] = [];
  const counted: string[] = [];
  const checker = new Checker({
    ...{ database, grid: 'test', logger: silentLogger(), terms, checks: 1, checksPerSecond: 0.25 },
    check: async ({ storageIndex }) => {
      checked.push(storageIndex);
      throw new OverloadedError('memory');
    },
    servers: () => new RecordedServers([]),
    pauses: [],
    onCheck: (result) => counted.push(result),
  });
  checker.start();
  try {
    await waitFor('the check', () => checked.length > 0 || undefined);
  } finally {
    await checker.stop();
  }
  expect(checked).toHaveLength(1);
  expect(counted).toEqual([]);
});
