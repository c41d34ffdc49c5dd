import { createCipheriv, randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Lab } from '@holdfast/lab';
import { bucketFolder, type ChkReadCapability, parseCapability, storageIndexOf } from '@holdfast/lafs';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';

// The memory of a broker that verifies and repairs a file far larger than what it may have.

/** Well below the file; what a broker takes that stores and reads, see memory.integration.test.ts. */
const mostMemory = 400_000_000;
const size = 520_000_000;
const piece = 1_000_000;

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.up({ storage: 4, shares: { required: 2, happy: 3, total: 4 } });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** The largest resident memory that the broker ever had, in bytes. */
async function peakMemory(): Promise<number> {
  const { pid } = lab.status().processes.find(({ role }) => role === 'broker') ?? {};
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** A file without repetition that takes no time to make. */
function* content(): Generator<Uint8Array> {
  const stream = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(piece);
  for (let at = 0; at < size; at += piece) yield stream.update(zeros);
}

async function text(answer: ReturnType<typeof request>): Promise<string> {
  const { body, statusCode } = await answer;
  const all = await body.text();
  expect(statusCode, all).toBe(200);
  return all;
}

it.runIf(process.platform === 'linux')(
  `stays below ${mostMemory / 1e6} MB while a file of ${size / 1e6} MB is verified and repaired`,
  async () => {
    const long = { headersTimeout: 600_000, bodyTimeout: 600_000 };
    const body = Readable.from(content());
    const stored = await text(request(new URL('/uri', lab.broker), { method: 'PUT', body, ...long }));
    const capability = parseCapability(stored) as ChkReadCapability;
    const bucket = bucketFolder(storageIndexOf(capability));
    for (const server of ['s1', 's2']) await rm(join(lab.dir, server, 'shares', bucket), { recursive: true });
    const url = new URL(`/uri/${stored}?t=check&verify=true&repair=true&output=JSON`, lab.broker);
    const repaired = JSON.parse(await text(request(url, { method: 'POST', ...long })));
    expect(repaired).toMatchObject({ 'repair-attempted': true, 'repair-successful': true });
    expect(await peakMemory()).toBeLessThan(mostMemory);
    const check = new URL(`/uri/${stored}?t=check&verify=true&output=JSON`, lab.broker);
    const checked = JSON.parse(await text(request(check, { method: 'POST', ...long })));
    expect(checked).toMatchObject({ results: { healthy: true, holdfast: { verified: true, defect: null } } });
    expect(await peakMemory()).toBeLessThan(mostMemory);
  },
  600_000,
);
