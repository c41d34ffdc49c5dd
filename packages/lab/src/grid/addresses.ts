import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../files/write-whole.js';

/**
 * Gives a node's `node.yaml` another loopback port wherever the old one is named: what it listens at, what it tells
 * others, where its database and bus are. One that is not made yet has none to change.
 */
export async function moveAddress(nodeDir: string, from: number, to: number): Promise<void> {
  if (from === to) return;
  const file = join(nodeDir, 'node.yaml');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return;
  await writeWhole(
    file,
    text.replaceAll(new RegExp(`\\b127\\.0\\.0\\.1:${from}(?!\\d)`, 'g'), `127.0.0.1:${to}`),
  );
}
