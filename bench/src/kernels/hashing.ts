import { randomBytes } from 'node:crypto';
import { blockHash, createFileCipher, HashTree } from '@holdfast/lafs';
import { figure } from '../table.js';
import { perSecond } from '../timing.js';

/** Speed of the kernels that hash and encrypt, as rows of a table. */
export function measureHashing(): string[][] {
  const block = randomBytes(349_526);
  const small = randomBytes(3_334);
  const segment = randomBytes(1_048_578);
  const leaves = randomBytes(1024 * 32);
  const cipher = createFileCipher(randomBytes(16));
  const gigabytes = (size: number, work: () => unknown) => `${figure((perSecond(work) * size) / 1e9)} GB/s`;
  return [
    ['block hash, 350 kB', gigabytes(block.length, () => blockHash(block))],
    ['block hash, 3.3 kB', `${figure(perSecond(() => blockHash(small)) / 1e3)} k/s`],
    [
      'hash tree of 1,024 leaves',
      `${figure((perSecond(() => new HashTree(leaves)) * 2048) / 1e3)} k nodes/s`,
    ],
    ['AES-128-CTR, 1 MiB', gigabytes(segment.length, () => cipher.update(segment))],
  ];
}
