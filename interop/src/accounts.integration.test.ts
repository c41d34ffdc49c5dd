import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holdfastProgram, Lab, temporaryFolder } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTahoe } from './available.js';
import { RunningThings } from './running-things.js';
import { startStaticBroker } from './static-broker.js';
import { TahoeNode } from './tahoe-node.js';
import { WebApi } from './web-api.js';

const tahoe = await findTahoe();
if ('missing' in tahoe) process.stderr.write(`The account tests are passed over: ${tahoe.missing}\n`);

const run = promisify(execFile);
const encoding = { required: 1, happy: 3, total: 3 };

describe.skipIf('missing' in tahoe)('an account granted to a customer', () => {
  const program = 'program' in tahoe ? tahoe.program : '';
  const everything = new RunningThings();
  let folder: string;
  let lab: Lab;
  let client: TahoeNode;
  let theirs: WebApi;
  let ours: WebApi;

  const account = (...args: string[]) =>
    run(process.execPath, [holdfastProgram, 'account', ...args, '--dir', lab.dir]);

  /** What the customer's `tahoe` command says when it is to store a file. */
  async function tahoePut(): Promise<string> {
    const file = join(folder, 'file');
    await writeFile(file, randomBytes(100_000));
    return run(program, ['-d', client.dir, 'put', file]).then(
      ({ stdout }) => stdout,
      ({ stderr }: { stderr: string }) => stderr,
    );
  }

  beforeAll(async () => {
    folder = everything.add(await temporaryFolder('granted')).path;
    lab = everything.add(await Lab.up({ storage: 3, shares: encoding }));
    await account('create', 'customer');
    // What follows is the customer's, and nobody else's.
    await account('revoke', 'anonymous');
    const out = join(folder, 'grant');
    await account('grant', 'customer', '--out', out);
    const [serversYaml, connections] = await Promise.all(
      ['servers.yaml', 'connections.yaml'].map((name) => readFile(join(out, name), 'utf8')),
    );
    const convergence = await readFile(join(lab.dir, 'broker1', 'private', 'convergence'), 'utf8');
    client = everything.add(
      await TahoeNode.client(program, join(folder, 'client'), serversYaml ?? '', { encoding, convergence }),
    );
    theirs = new WebApi(await client.gateway());
    const broker = everything.add(
      await startStaticBroker(join(folder, 'broker'), connections ?? '', { encoding, convergence }),
    );
    ours = new WebApi(broker.url);
  });
  afterAll(() => everything[Symbol.asyncDispose]());

  it('is all that a Tahoe-LAFS client and a Holdfast broker need, to store and to read what the other stored', async () => {
    for (const [writer, reader] of [
      [theirs, ours],
      [ours, theirs],
    ] as const) {
      const file = randomBytes(300_000);
      const capability = await writer.put(file);
      expect((await writer.get(capability)).equals(file)).toBe(true);
      expect((await reader.get(capability)).equals(file)).toBe(true);
    }
  });

  it('is what stores: whoever has no account does not', async () => {
    // Whether the broker has noticed yet that the servers it remembers do not let it in, or has not.
    await expect(new WebApi(lab.broker).put(randomBytes(1_000))).rejects.toThrow(
      /NoServersError|UploadUnhappinessError.*answered 401/s,
    );
  });

  it('while frozen reads, and `tahoe put` says what it is that stores no more', async () => {
    const file = randomBytes(100_000);
    const capability = await theirs.put(file);
    await account('freeze', 'customer');
    await expect.poll(tahoePut, { timeout: 10_000 }).toContain('this account is frozen');
    await expect(ours.put(randomBytes(1_000))).rejects.toThrow(
      /UploadUnhappinessError.*this account is frozen/s,
    );
    expect((await theirs.get(capability)).equals(file)).toBe(true);
    expect((await ours.get(capability)).equals(file)).toBe(true);
    await account('unfreeze', 'customer');
    await expect.poll(tahoePut, { timeout: 10_000 }).toMatch(/^URI:CHK:/);
  });

  it('while frozen lists its directories, and can change none', async () => {
    const gateway = await client.gateway();
    const inDirectory = async (query: string, method: string, body?: string) => {
      const response = await fetch(`${gateway}/uri/${encodeURIComponent(directory)}${query}`, {
        method,
        ...(body === undefined ? {} : { body }),
      });
      return { status: response.status, text: await response.text() };
    };
    const directory = await (await fetch(`${gateway}/uri?t=mkdir`, { method: 'POST' })).text();
    expect(await inDirectory('/before', 'PUT', 'kept')).toMatchObject({ status: 201 });
    await account('freeze', 'customer');
    await expect.poll(tahoePut, { timeout: 10_000 }).toContain('this account is frozen');
    const refused = await inDirectory('/after', 'PUT', 'short enough to be stored in its capability');
    expect(refused.status).toBe(500);
    expect(refused.text).toContain('this account is frozen');
    expect(await inDirectory('/before', 'GET')).toEqual({ status: 200, text: 'kept' });
    expect((await inDirectory('?t=json', 'GET')).text).not.toContain('after');
    await account('unfreeze', 'customer');
  });

  it('once revoked neither stores nor reads', async () => {
    const capability = await theirs.put(randomBytes(100_000));
    await account('revoke', 'customer');
    await expect.poll(tahoePut, { timeout: 10_000 }).toMatch(/NoServersError|UploadUnhappinessError/);
    await expect(theirs.get(capability)).rejects.toThrow('410');
    await expect(ours.get(capability)).rejects.toThrow('410');
    await account('unfreeze', 'customer');
    await expect
      .poll(() => theirs.get(capability).then(Boolean, () => false), { timeout: 30_000 })
      .toBe(true);
  });
});
