import { base32Encode } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { lookOverFiles } from './look-over-files.js';

describe('looking over the files of a leaving server', () => {
  it('neither counts as safe nor adds again what a newer repairer has in a state that is not known here', async () => {
    const files = [1, 2].map((byte) => ({ storageIndex: Buffer.alloc(16, byte), shares: 1 }));
    const added: string[] = [];
    const begunAt = new Date().toISOString();
    const job = { state: 'resting', result: 'repaired', endedAt: begunAt, begunAt };
    const progress = await lookOverFiles({
      records: {
        filesAfter: async (last) => (last ? [] : files),
        mutableShares: async () => 0,
      },
      repairers: {
        standings: async () => ({ jobs: [job, null] }),
        add: async (storageIndexes) => void added.push(...storageIndexes),
      },
      since: new Date(0),
      goesOn: () => true,
    });
    expect(added).toEqual(files.slice(1).map(({ storageIndex }) => base32Encode(storageIndex)));
    expect(progress).toMatchObject({ files: 2, safeFiles: 0, failedFiles: 0, waitingFiles: 0 });
  });
});
