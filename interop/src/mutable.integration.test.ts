import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { holdfastProgram, Lab, temporaryFolder, waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findTahoe } from './available.js';
import { RunningThings } from './running-things.js';
import { type ServerAnnouncement, TahoeNode } from './tahoe-node.js';
import { WebApi } from './web-api.js';

const tahoe = await findTahoe();
if ('missing' in tahoe) process.stderr.write(`The interop tests are passed over: ${tahoe.missing}\n`);

const encoding = { required: 2, happy: 3, total: 5 };
const formats = ['sdmf', 'mdmf'] as const;
/** Around the size of a segment of mutable files (128 KiB), and one of many segments. */
const sizes = [0, 1, 1_000, 131_071, 131_073, 700_000];

function content(name: string, size: number): Buffer {
  return createHash('shake256', { outputLength: Math.max(1, size) })
    .update(name)
    .digest()
    .subarray(0, size);
}

describe.skipIf('missing' in tahoe)(
  'mutable files of a real Tahoe-LAFS 1.20 on our servers',
  {
    timeout: 180_000,
  },
  () => {
    const program = 'program' in tahoe ? tahoe.program : '';
    const everything = new RunningThings();
    let folder: string;
    let lab: Lab;
    let servers: Record<string, ServerAnnouncement>;
    let client: TahoeNode;
    let web: WebApi;

    beforeAll(async () => {
      folder = everything.add(await temporaryFolder('interop-mutable')).path;
      lab = everything.add(await Lab.up({ storage: 3, shares: { required: 2, happy: 3, total: 5 } }));
      const args = [holdfastProgram, 'announcements', 'export', '--dir', lab.dir, '--format', 'tahoe'];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const { storage } = parse(stdout) as { storage: Record<string, { ann: ServerAnnouncement }> };
      servers = Object.fromEntries(Object.entries(storage).map(([id, { ann }]) => [id, ann]));
      client = everything.add(await newClient('client'));
      web = new WebApi(await client.gateway());
    });
    afterAll(() => everything[Symbol.asyncDispose]());

    function newClient(name: string, known = servers): Promise<TahoeNode> {
      return TahoeNode.client(program, join(folder, name), known, { encoding });
    }

    async function restartServers(): Promise<void> {
      for (const { nickname } of lab.description.storage) {
        await lab.stop(nickname);
        await lab.start(nickname);
      }
      // It asks its servers once a second whether they are there, and notices late that one was not.
      await client.untilConnected(lab.description.storage.length);
      await delay(4_000);
      await client.untilConnected(lab.description.storage.length);
      // Nor does it know of a kept connection that has ended before it writes by it: enough writes at once use all of them.
      const probe = content('probe', 100);
      await waitFor('it writes to all of them by every connection', async () => {
        const written = Array.from({ length: 8 }, () => web.putMutable(probe, 'sdmf'));
        return (await Promise.allSettled(written)).every(({ status }) => status === 'fulfilled') || undefined;
      });
    }

    it.each(formats)(
      '%s: are made, read, replaced by longer and shorter ones, also after restarts',
      async (format) => {
        const files = new Map<string, Buffer>();
        for (const size of sizes) {
          const stored = content(`${format} ${size}`, size);
          files.set(await web.putMutable(stored, format), stored);
        }
        for (const [capability, stored] of files) expect(stored.equals(await web.get(capability))).toBe(true);
        await restartServers();
        let turn = 0;
        for (const capability of files.keys()) {
          for (const size of [sizes[++turn % sizes.length] as number, 0, 5_000]) {
            const stored = content(`${format} again ${turn} ${size}`, size);
            await web.overwrite(capability, stored);
            files.set(capability, stored);
            expect(stored.equals(await web.get(capability))).toBe(true);
          }
        }
        await restartServers();
        for (const [capability, stored] of files) expect(stored.equals(await web.get(capability))).toBe(true);
      },
    );

    it('mdmf: are changed in the middle and at the end', async () => {
      const stored = content('in place', 600_000);
      const capability = await web.putMutable(stored, 'mdmf');
      for (const [offset, size] of [
        [0, 10],
        [131_000, 200],
        [300_000, 150_000],
        [599_990, 10],
      ] as const) {
        const part = content(`part ${offset}`, size);
        await web.overwrite(capability, part, offset);
        stored.set(part, offset);
        expect(stored.equals(await web.get(capability))).toBe(true);
      }
      const more = content('more', 200_000);
      await web.overwrite(capability, more, stored.length);
      expect(Buffer.concat([stored, more]).equals(await web.get(capability))).toBe(true);
    });

    it.each(formats)(
      '%s: directories are made, filled, listed, changed, also after a restart',
      async (format) => {
        const directory = await web.makeDirectory(format);
        const files = new Map<string, Buffer>();
        for (const name of ['one', 'two', 'three ü', 'four']) {
          const stored = content(name, 2_000);
          await web.putInto(directory, name, stored);
          files.set(name, stored);
        }
        await web.unlink(directory, 'two');
        files.delete('two');
        await restartServers();
        await web.rename(directory, 'four', '4');
        files.set('4', files.get('four') as Buffer);
        files.delete('four');
        const names = await web.names(directory);
        expect(names.map(([name]) => name)).toEqual([...files.keys()].sort());
        for (const [name, capability] of names) {
          expect(files.get(name)?.equals(await web.get(capability))).toBe(true);
        }
        // Another client, which remembers nothing.
        await using other = await newClient(`reader of ${format}`);
        expect(await new WebApi(await other.gateway()).names(directory)).toEqual(names);
      },
    );

    it('mdmf: are read and replaced when they are large', async () => {
      const stored = content('large', 30_000_000);
      const capability = await web.putMutable(stored, 'mdmf');
      expect(stored.equals(await web.get(capability))).toBe(true);
      const shorter = content('less large', 20_000_001);
      await web.overwrite(capability, shorter);
      expect(shorter.equals(await web.get(capability))).toBe(true);
    });

    it('one of two clients that write at once is told; what is there afterwards is what one of them wrote', async () => {
      await using second = await newClient('rival');
      const rivals = [web, new WebApi(await second.gateway())];
      const capability = await web.putMutable(content('before', 3_000), 'sdmf');
      for (let round = 0; round < 4; round++) {
        const versions = rivals.map((_, index) => content(`round ${round} by ${index}`, 3_000));
        const outcomes = await Promise.allSettled(
          rivals.map((rival, index) => rival.overwrite(capability, versions[index] as Buffer)),
        );
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected')
            expect(String(outcome.reason)).toContain('UncoordinatedWriteError');
        }
        // Whoever was told reads what is there, and writes again: alone, that works.
        await web.get(capability);
        const settled = content(`settled ${round}`, 3_000);
        await web.overwrite(capability, settled);
        expect(settled.equals(await (rivals[1] as WebApi).get(capability))).toBe(true);
      }
    });

    it('two clients that fill one directory at once damage nothing: what one loses, as on its own servers, is added again', async () => {
      await using second = await newClient('colleague');
      const colleagues = [web, new WebApi(await second.gateway())];
      const directory = await web.makeDirectory();
      for (const colleague of colleagues) await colleague.names(directory);
      const names = colleagues.map((_, index) => [0, 1, 2].map((file) => `${index} ${file}`));
      await Promise.allSettled(
        colleagues.map(async (colleague, index) => {
          for (const name of names[index] as string[]) {
            await colleague.putInto(directory, name, content(name, 100));
          }
        }),
      );
      // "Don't do that", says its document of uncoordinated writes, and that changes are silently lost.
      const after = (await web.names(directory)).map(([name]) => name);
      expect(after.length).toBeGreaterThan(0);
      expect(names.flat()).toEqual(expect.arrayContaining(after));
      for (const name of names.flat()) {
        if (!after.includes(name)) await web.putInto(directory, name, content(name, 100));
      }
      expect((await web.names(directory)).map(([name]) => name)).toEqual(names.flat().sort());
    });

    it('can be taken to its storage server, and back to ours', async () => {
      const mutable = content('to be moved', 50_000);
      const capability = await web.putMutable(mutable, 'mdmf');
      const directory = await web.makeDirectory();
      await web.putInto(directory, 'inside', content('inside', 1_000));
      const before = await web.names(directory);

      // Its servers: with our certificates, since write enablers are made for their hash.
      const ours = lab.description.storage;
      const theirs: TahoeNode[] = [];
      for (const { nickname } of ours) await lab.stop(nickname);
      await using moved = new RunningThings();
      for (const { nickname, dir } of ours) {
        const node = moved.add(
          await TahoeNode.storage(program, join(folder, `moved-${nickname}`), nickname, async (fresh) => {
            await cp(join(dir, 'private', 'node.pem'), join(fresh, 'private', 'node.pem'));
            await cp(join(dir, 'shares'), join(fresh, 'storage', 'shares'), { recursive: true });
          }),
        );
        theirs.push(node);
      }
      const known = Object.fromEntries(await Promise.all(theirs.map((node) => node.announcement())));
      const guest = moved.add(await newClient('guest of their servers', known));
      const guestWeb = new WebApi(await guest.gateway());
      expect(mutable.equals(await guestWeb.get(capability))).toBe(true);
      expect(await guestWeb.names(directory)).toEqual(before);
      const changed = content('changed there', 60_000);
      await guestWeb.overwrite(capability, changed);
      await guestWeb.putInto(directory, 'more', content('more', 500));
      const created = content('made there', 9_000);
      const made = await guestWeb.putMutable(created, 'sdmf');
      const after = await guestWeb.names(directory);
      expect(after).toHaveLength(2);

      await moved[Symbol.asyncDispose]();
      for (const { nickname, dir } of ours) {
        await cp(join(folder, `moved-${nickname}`, 'storage', 'shares'), join(dir, 'shares'), {
          recursive: true,
        });
        await lab.start(nickname);
      }
      await client.untilConnected(ours.length);
      expect(changed.equals(await web.get(capability))).toBe(true);
      expect(await web.names(directory)).toEqual(after);
      expect(created.equals(await web.get(made))).toBe(true);
      const again = content('and changed here', 8_000);
      await web.overwrite(made, again);
      expect(again.equals(await web.get(made))).toBe(true);
      await web.unlink(directory, 'inside');
      expect((await web.names(directory)).map(([name]) => name)).toEqual(['more']);
    });

    it('leave nothing half done', async () => {
      for (const { dir } of lab.description.storage) {
        expect(await readdir(join(dir, 'shares', 'changing'))).toEqual([]);
      }
    });
  },
);
