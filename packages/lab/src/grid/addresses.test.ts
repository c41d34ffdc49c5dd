import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { moveAddress } from './addresses.js';

it('changes one loopback port everywhere in a node.yaml, and no other', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-addresses-'));
  try {
    const text = (port: number) =>
      `listen: 127.0.0.1:${port}\nlocations:\n  - 127.0.0.1:${port}\nother: [127.0.0.1:17777, 10.0.0.1:1777]\n` +
      `postgres: postgres://holdfast@127.0.0.1:${port}/x # 1777\n`;
    writeFileSync(join(dir, 'node.yaml'), text(1777));
    await moveAddress(dir, 1777, 18888);
    expect(readFileSync(join(dir, 'node.yaml'), 'utf8')).toBe(text(18888));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
