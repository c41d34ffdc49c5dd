import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holdfastProgram, Lab, temporaryFolder } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findTahoe } from './available.js';
import { RunningThings } from './running-things.js';
import { type ServerAnnouncement, TahoeNode } from './tahoe-node.js';

const run = promisify(execFile);
const tahoe = await findTahoe();
if ('missing' in tahoe) process.stderr.write(`The interop tests are passed over: ${tahoe.missing}\n`);

const encoding = { required: 1, happy: 2, total: 2 };

describe.skipIf('missing' in tahoe)('a quota that is used up', () => {
  const program = 'program' in tahoe ? tahoe.program : '';
  const everything = new RunningThings();
  let folder: string;
  let lab: Lab;
  beforeAll(async () => {
    folder = everything.add(await temporaryFolder('interop-quota')).path;
    lab = everything.add(await Lab.up({ storage: 2, shares: encoding }));
  });
  afterAll(() => everything[Symbol.asyncDispose]());

  const holdfast = (...args: string[]) => run(process.execPath, [holdfastProgram, ...args, '--dir', lab.dir]);
  async function aFile(size: number): Promise<string> {
    const path = join(folder, randomBytes(4).toString('hex'));
    await writeFile(path, randomBytes(size));
    return path;
  }

  it('is told to who uses `tahoe put`, and to who uploads through our broker', async () => {
    const { stdout: exported } = await holdfast('announcements', 'export', '--format', 'tahoe');
    const { storage } = parse(exported) as { storage: Record<string, { ann: ServerAnnouncement }> };
    const servers = Object.fromEntries(Object.entries(storage).map(([id, { ann }]) => [id, ann]));
    await using client = everything.add(
      await TahoeNode.client(program, join(folder, 'client'), servers, { encoding }),
    );
    await run(program, ['-d', client.dir, 'put', await aFile(100_000)]);
    await holdfast('account', 'quota', 'anonymous', '250kB');
    const refused = run(program, ['-d', client.dir, 'put', await aFile(100_000)]);
    await expect(refused).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /507,.*the quota of this account does not allow 101 kB more, as it uses 20\d kB of 250 kB/s,
      ),
    });
    const answer = await fetch(`${lab.broker}/uri`, { method: 'PUT', body: randomBytes(100_000) });
    expect(await answer.text()).toMatch(/\(s\d: the quota of this account does not allow it; s\d: the quota/);

    await holdfast('account', 'quota', 'anonymous', 'none');
    await run(program, ['-d', client.dir, 'put', await aFile(100_000)]);
  });
});
