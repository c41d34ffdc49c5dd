import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Lab } from '@holdfast/lab';
import {
  bucketFolder,
  type ChkReadCapability,
  formatCapability,
  parseCapability,
  storageIndexOf,
  verifyCapabilityOf,
} from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdfast } from '../testing/run-holdfast.js';

let lab: Lab;
let env: Record<string, string>;
beforeAll(async () => {
  lab = await Lab.up({ storage: 3, shares: { required: 2, happy: 3, total: 6 } });
  env = { HOLDFAST_BROKER: lab.broker };
});
afterAll(() => lab?.[Symbol.asyncDispose]());

async function stored(): Promise<{ text: string; bucket: string }> {
  const { stdout } = await holdfast(['put', '-'], { env, input: randomBytes(10_000) });
  const text = stdout.trim();
  return { text, bucket: bucketFolder(storageIndexOf(parseCapability(text) as ChkReadCapability)) };
}

/** Deletes all shares of a file from some servers. */
async function empty(bucket: string, servers: readonly string[]): Promise<void> {
  for (const server of servers) await rm(join(lab.dir, server, 'shares', bucket), { recursive: true });
}

describe('the command', () => {
  it('check ends well for a healthy file, and says what is there', async () => {
    const { text } = await stored();
    expect(await holdfast(['check', text], { env })).toEqual({
      status: 0,
      stdout: 'Healthy: 6 of 6 shares, 2 needed, on 3 servers, happiness 3.\n',
      stderr: '',
    });
    expect(await holdfast(['check', 'URI:LIT:nbswy3dp'], { env })).toMatchObject({ status: 0 });
  });

  it('check ends with 1 for one that is not, and repair puts it right by the verify capability', async () => {
    const { text, bucket } = await stored();
    await empty(bucket, ['s1']);
    const unhealthy = await holdfast(['check', text, '--verify'], { env });
    expect(unhealthy).toEqual({
      status: 1,
      stdout: 'Not healthy: 4 of 6 shares, 2 needed, on 2 servers, happiness 2.\n',
      stderr: 'holdfast: the file is not healthy\n',
    });
    const verify = formatCapability(verifyCapabilityOf(parseCapability(text) as ChkReadCapability));
    const repaired = await holdfast(['repair', verify, '--add-lease'], { env });
    expect(repaired).toMatchObject({ status: 0, stderr: '' });
    expect(repaired.stdout).toMatch(/^Repaired: 2 share\(s\) placed, .+ read, .+ written\.\n/);
    expect(repaired.stdout).toMatch(/\nNow: Healthy: 6 of 6 shares, 2 needed, on 3 servers, happiness 3\.\n/);
    expect(await readdir(join(lab.dir, 's1', 'shares', bucket))).toHaveLength(2);
    const again = await holdfast(['repair', verify], { env });
    expect(again).toMatchObject({ status: 0, stdout: expect.stringMatching(/^No repair necessary\.\n/) });
  });

  it('gives the JSON of the web API', async () => {
    const { text, bucket } = await stored();
    const healthy = await holdfast(['check', text, '--json'], { env });
    expect(JSON.parse(healthy.stdout)).toMatchObject({ summary: 'Healthy', results: { healthy: true } });
    await empty(bucket, ['s2', 's3']);
    const repaired = await holdfast(['repair', text, '--json'], { env });
    expect(JSON.parse(repaired.stdout)).toMatchObject({
      'repair-attempted': true,
      'repair-successful': true,
      'post-repair-results': { results: { 'count-shares-good': 6 } },
    });
  });

  it('repair ends with 1 and one line where too few shares are left', async () => {
    const { text, bucket } = await stored();
    await empty(bucket, ['s1', 's2', 's3']);
    const { status, stdout, stderr } = await holdfast(['repair', text], { env });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^holdfast: the broker answered 410: NoSharesError: .+\n$/);
  });
});
