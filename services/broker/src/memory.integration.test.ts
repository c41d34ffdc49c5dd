import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Lab } from '@holdfast/lab';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';

// The memory of a broker with the settings that `init` writes, and the encoding of the peer.

/** The budget, twice a Node.js with its heap (there is a thread for coding), and what waits for the garbage collector. */
const mostMemory = 400_000_000;
const uploads = 32;
const content = randomBytes(6_000_000);

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.up({ storage: 5, shares: { required: 3, happy: 5, total: 10 } });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** The largest resident memory that the broker ever had, in bytes. */
async function peakMemory(): Promise<number> {
  const { pid } = lab.status().processes.find(({ role }) => role === 'broker') ?? {};
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

it.runIf(process.platform === 'linux')(
  `stays below ${mostMemory / 1e6} MB while ${uploads} files are stored and read at once`,
  async () => {
    const store = async (index: number) => {
      const head = Buffer.from(`file ${index} `);
      const { body, statusCode } = await request(new URL('/uri', lab.broker), {
        method: 'PUT',
        body: Buffer.concat([head, content]),
      });
      const text = await body.text();
      expect(statusCode, text).toBe(200);
      return text;
    };
    const capabilities = await Promise.all(Array.from({ length: uploads }, (_, index) => store(index)));
    expect(await peakMemory()).toBeLessThan(mostMemory);
    await Promise.all(
      capabilities.map(async (capability) => {
        const { body } = await request(new URL(`/uri/${capability}`, lab.broker));
        let size = 0;
        for await (const piece of body) size += piece.length;
        expect(size).toBeGreaterThan(content.length);
      }),
    );
    expect(await peakMemory()).toBeLessThan(mostMemory);
  },
);
