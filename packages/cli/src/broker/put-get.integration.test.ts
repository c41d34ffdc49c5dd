import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Lab, temporaryFolder } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { holdfast } from '../testing/run-holdfast.js';

/** A broker that misbehaves, which no real one can be brought to do on demand. */
async function badBroker(answer: RequestListener): Promise<{ url: string } & Disposable> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('a transfer that goes wrong', () => {
  it('leaves no half file, and what was there before', async () => {
    using broker = await badBroker((_request, response) => {
      response.writeHead(200, { 'content-length': '1000000' });
      response.write(Buffer.alloc(200_000), () => response.destroy());
    });
    await using folder = await temporaryFolder();
    const target = join(folder.path, 'copy');
    await writeFile(target, 'from before');
    const { status, stderr } = await holdfast(['get', '--broker', broker.url, 'URI:CHK:x', '-o', target]);
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(await readdir(folder.path)).toEqual(['copy']);
    expect(await readFile(target, 'utf8')).toBe('from before');
  });

  it('is an error on standard output too', async () => {
    using broker = await badBroker((_request, response) => {
      response.writeHead(200);
      response.write(Buffer.alloc(10_000), () => response.destroy());
    });
    expect((await holdfast(['get', '--broker', broker.url, 'URI:CHK:x'])).status).toBe(1);
  });

  it('shows why the broker refused to store, but no capability that it may have named', async () => {
    const capability = `URI:CHK:${'a'.repeat(26)}:${'b'.repeat(52)}:3:10:1000`;
    using broker = await badBroker((request, response) => {
      request.resume().on('end', () => response.writeHead(500).end(`no room for ${capability}\n`));
    });
    const { status, stdout, stderr } = await holdfast(['put', '--broker', broker.url, '-'], { input: 'x' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('500: no room for');
    expect(stderr).not.toContain('a'.repeat(26));
  });
});

describe('a file', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, shares: { required: 1, happy: 2, total: 2 } });
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it.each([0, 55, 56, 3_000_000])('of %d bytes is stored and read back', async (size) => {
    await using folder = await temporaryFolder();
    const [source, target] = [join(folder.path, 'source'), join(folder.path, 'target')];
    const content = randomBytes(size);
    await writeFile(source, content);
    const stored = await holdfast(['put', source], { env: { HOLDFAST_BROKER: lab.broker } });
    expect(stored).toMatchObject({ status: 0, stderr: '' });
    expect(stored.stdout).toMatch(/^URI:(LIT|CHK):\S*\n$/);
    const got = await holdfast(['get', '--broker', lab.broker, '-o', target, stored.stdout.trim()]);
    expect(got).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(Buffer.compare(await readFile(target), content)).toBe(0);
  });

  it('comes from standard input and goes to standard output', async () => {
    const text = 'From one pipe into another, by way of a grid of storage servers.\n'.repeat(20);
    const { stdout } = await holdfast(['put', '--broker', lab.broker, '-'], { input: text });
    expect(await holdfast(['get', '--broker', lab.broker, stdout.trim()])).toEqual({
      status: 0,
      stdout: text,
      stderr: '',
    });
  });

  it('that no capability names is refused in one line', async () => {
    const { status, stderr } = await holdfast(['get', '--broker', lab.broker, 'URI:NONSENSE']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^holdfast: the broker answered 400: .+\n$/);
  });

  it('can be stored by others too, with the servers that announcements name', async () => {
    const ids = lab.description.storage.map(({ id }) => id).sort();
    for (const dir of [lab.dir, join(lab.dir, 'introducer'), join(lab.dir, 'broker1')]) {
      const listed = await holdfast(['announcements', 'list', '--json', '--dir', dir]);
      expect(JSON.parse(listed.stdout).map(({ serverId }: { serverId: string }) => serverId)).toEqual(ids);
    }
    const exported = await holdfast(['announcements', 'export', '--format', 'tahoe', '--dir', lab.dir]);
    const { storage } = parse(exported.stdout) as {
      storage: Record<string, { ann: Record<string, unknown> }>;
    };
    expect(Object.keys(storage).sort()).toEqual(ids);
    const nurls = Object.values(storage).flatMap(({ ann }) => ann['anonymous-storage-NURLs']);
    expect(nurls.sort()).toEqual(lab.description.storage.map(({ nurl }) => nurl).sort());
  });
});
