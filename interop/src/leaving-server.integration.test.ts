import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holdfastProgram, Lab, temporaryFolder, waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findTahoe } from './available.js';
import { RunningThings } from './running-things.js';
import { type ServerAnnouncement, TahoeNode } from './tahoe-node.js';
import { WebApi } from './web-api.js';

const tahoe = await findTahoe();
if ('missing' in tahoe)
  process.stderr.write(`The tests of a leaving server are passed over: ${tahoe.missing}\n`);

const encoding = { required: 1, happy: 3, total: 4 };

describe.skipIf('missing' in tahoe)(
  'a real Tahoe-LAFS 1.20 while one of four of our servers is leaving',
  { timeout: 180_000 },
  () => {
    const program = 'program' in tahoe ? tahoe.program : '';
    const everything = new RunningThings();
    let lab: Lab;
    let web: WebApi;
    const before = { immutable: '', mutable: '' };
    const content = randomBytes(100_000);

    const holdfast = (...args: string[]) =>
      promisify(execFile)(process.execPath, [holdfastProgram, ...args, '--dir', lab.dir]);

    /** The storage indexes of which the leaving server has shares. */
    const heldByLeaving = async () =>
      (await readdir(join(lab.dir, 's2', 'shares'), { recursive: true }))
        .filter((path) => /^[a-z2-7]{2}\/[a-z2-7]{26}$/.test(path))
        .sort();

    beforeAll(async () => {
      const { path: folder } = everything.add(await temporaryFolder('interop-leaving'));
      lab = everything.add(await Lab.up({ storage: 4, shares: encoding }));
      const { stdout } = await holdfast('announcements', 'export', '--format', 'tahoe');
      const { storage } = parse(stdout) as { storage: Record<string, { ann: ServerAnnouncement }> };
      const servers = Object.fromEntries(Object.entries(storage).map(([id, { ann }]) => [id, ann]));
      const client = everything.add(
        await TahoeNode.client(program, join(folder, 'client'), servers, { encoding }),
      );
      web = new WebApi(await client.gateway());
      before.immutable = await web.put(content);
      before.mutable = await web.putMutable(content, 'sdmf');
      await holdfast('storage', 'drain', 's2');
      // It has learned of that once others have it from itself.
      await waitFor('the broker hears that s2 is leaving', async () => {
        const status = (await (await fetch(new URL('/?t=json', lab.broker))).json()) as {
          servers: { nickname: string; leaving: boolean }[];
        };
        return status.servers.some(({ nickname, leaving }) => nickname === 's2' && leaving) || undefined;
      });
    }, 180_000);
    afterAll(() => everything[Symbol.asyncDispose]());

    it('stores files and makes mutable ones on the others, and reads all', async () => {
      const held = await heldByLeaving();
      expect(held).toHaveLength(2);
      const file = await web.put(Buffer.concat([content, content]));
      const mutable = await web.putMutable(content, 'mdmf');
      expect((await web.get(file)).length).toBe(2 * content.length);
      expect((await web.get(mutable)).equals(content)).toBe(true);
      expect((await web.get(before.immutable)).equals(content)).toBe(true);
      expect(await heldByLeaving()).toEqual(held);
    });

    it('goes on changing a mutable file that the leaving server has', async () => {
      const changed = randomBytes(5_000);
      await web.overwrite(before.mutable, changed);
      for (const nickname of ['s1', 's3', 's4']) await lab.stop(nickname);
      // Only what the leaving server was told is left.
      expect((await web.get(before.mutable)).equals(changed)).toBe(true);
    });
  },
);
