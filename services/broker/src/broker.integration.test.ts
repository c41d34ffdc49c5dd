import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Lab, waitFor } from '@holdfast/lab';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// What a broker does with a real grid around it.

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.up({ storage: 4, shares: { required: 2, happy: 3, total: 4 } });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

const at = (path: string) => new URL(path, lab.broker);

async function put(content: Uint8Array): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(at('/uri'), { method: 'PUT', body: content });
  return { status: statusCode, text: await body.text() };
}

async function store(content: Uint8Array): Promise<string> {
  const { status, text } = await put(content);
  expect(status, text).toBe(200);
  return text;
}

async function read(capability: string, headers: Record<string, string> = {}) {
  const { statusCode, body } = await request(at(`/uri/${encodeURIComponent(capability)}`), { headers });
  return { status: statusCode, content: Buffer.from(await body.arrayBuffer()) };
}

const brokerFolder = () => join(lab.dir, 'broker1');

/** Whether the broker spools any file. They have no names: only what it has open tells of them. */
async function isSpooling(): Promise<boolean> {
  const { pid } = lab.status().processes.find(({ role }) => role === 'broker') ?? {};
  const descriptors = `/proc/${pid}/fd`;
  const open = await Promise.all(
    (await readdir(descriptors)).map((name) => readlink(join(descriptors, name)).catch(() => '')),
  );
  return open.some((path) => path.startsWith(join(brokerFolder(), 'spool')));
}
const untilSpooling = () => waitFor('a file is spooled', async () => (await isSpooling()) || undefined);
const untilNotSpooling = () => waitFor('none is spooled', async () => !(await isSpooling()) || undefined);

/** All that the node's process has written. */
async function log(): Promise<string> {
  return readFile(join(brokerFolder(), 'node.log'), 'utf8');
}

describe('a broker', () => {
  it('gives back what it was given, whole and in part', async () => {
    for (const size of [0, 1, 55, 56, 1000, 2 ** 20 - 1, 2 ** 20 + 1, 3_500_000]) {
      const content = randomBytes(size);
      const capability = await store(content);
      const whole = await read(capability);
      expect(whole.status).toBe(200);
      expect(whole.content.equals(content)).toBe(true);
      if (size < 100) continue;
      const [start, end] = [Math.floor(size / 3), Math.floor((2 * size) / 3)];
      const part = await read(capability, { range: `bytes=${start}-${end}` });
      expect(part.status).toBe(206);
      expect(part.content.equals(content.subarray(start, end + 1))).toBe(true);
    }
  });

  it('stores a form streaming, and the same content as the same capability', async () => {
    const content = randomBytes(2_500_000);
    const form = new FormData();
    form.set('file', new Blob([content]), 'photo.jpg');
    form.set('t', 'upload');
    const answer = await fetch(at('/uri'), { method: 'POST', body: form });
    expect((await answer.text()).trim()).toBe(await store(content));
  });

  it('tells in the JSON of the welcome page which servers are connected', async () => {
    const status = (await (await fetch(at('/?t=json'))).json()) as { servers: Record<string, unknown>[] };
    expect(status).toMatchObject({ introducers: { statuses: [expect.stringMatching(/^Connected to /)] } });
    expect(status.servers.map(({ nickname }) => nickname)).toEqual(['s1', 's2', 's3', 's4']);
    expect(status.servers[0]).toMatchObject({
      nodeid: expect.stringMatching(/^v0-[a-z2-7]{52}$/),
      connection_status: expect.stringMatching(/^Connected to tcp:127\.0\.0\.1:\d+ via tcp$/),
      available_space: expect.any(Number),
      version: expect.stringMatching(/^holdfast\//),
      last_received_data: expect.any(Number),
      state: 'connected',
      source: 'introducer:default',
    });
  });

  it('says 500 where a file would be on too few servers, and 410 where too few shares are left', async () => {
    const capability = await store(randomBytes(100_000));
    await lab.stop('s1');
    await lab.stop('s2');
    const refused = await put(randomBytes(100_000));
    expect(refused).toMatchObject({ status: 500, text: expect.stringMatching(/^UploadUnhappinessError: /) });
    await lab.waitForServers(2);
    expect((await read(capability)).status).toBe(200);
    await lab.stop('s3');
    const lost = await read(capability);
    expect(lost.status).toBe(410);
    expect(lost.content.toString()).toMatch(/^NotEnoughSharesError: /);
    for (const server of ['s1', 's2', 's3']) await lab.start(server);
    await lab.waitForServers(4);
    expect((await read(capability)).status).toBe(200);
  });

  it('keeps nothing of an upload whose client went away', async () => {
    const { hostname, port } = at('/');
    const socket = connect(Number(port), hostname);
    socket.write('PUT /uri HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n');
    for (let sent = 0; sent < 40; sent++) {
      const piece = randomBytes(100_000);
      if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    await untilSpooling();
    socket.destroy();
    await untilNotSpooling();
    expect((await read(await store(randomBytes(1000)))).status).toBe(200);
  });

  it('ends what is under way before it stops', async () => {
    const content = randomBytes(3_000_000);
    const slowly = async function* () {
      for (let start = 0; start < content.length; start += 300_000) {
        yield content.subarray(start, start + 300_000);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const underWay = request(at('/uri'), { method: 'PUT', body: Readable.from(slowly()) });
    await untilSpooling();
    const stopping = lab.stop('broker1');
    const { statusCode, body } = await underWay;
    const capability = await body.text();
    expect(statusCode, capability).toBe(200);
    await stopping;
    await lab.start('broker1');
    await lab.waitForServers(4);
    expect((await read(capability)).content.equals(content)).toBe(true);
  });

  it('connects to every server it knew when no introducer and no bus is there', async () => {
    const capability = await store(randomBytes(10_000));
    await lab.stop('introducer');
    await lab.stop('nats');
    await lab.kill('broker1');
    await lab.start('broker1');
    await lab.waitForServers(4);
    expect((await read(capability)).status).toBe(200);
    await lab.start('nats');
    await lab.start('introducer');
  });

  it('keeps its secrets to itself', async () => {
    const folder = join(brokerFolder(), 'private');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of ['node.privkey', 'node.pem', 'convergence', 'secret'])
      expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
  });

  it('logs every request, and no capability or secret', async () => {
    const capability = await store(randomBytes(1000));
    await read(capability);
    await fetch(at(`/uri?uri=${capability}`));
    await fetch(at(`/file/${capability}/@@named=/very-private-name.txt`));
    await fetch(at(`/uri/${capability.slice(0, -4)}%ff`));
    const text = await log();
    expect(text).toContain('"route":"/uri/*"');
    expect(text).toContain('"route":"/file/*"');
    const [, , key = '', hash = ''] = capability.split(':');
    const secrets = await Promise.all(
      ['convergence', 'secret'].map((name) => readFile(join(brokerFolder(), 'private', name), 'utf8')),
    );
    for (const secret of [key, hash, 'very-private-name', ...secrets.map((each) => each.trim())])
      expect(text).not.toContain(secret);
  });
});
