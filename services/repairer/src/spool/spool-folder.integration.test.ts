import { appendFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@holdfast/common/logging';
import { type TemporaryFolder, temporaryFolder, waitFor } from '@holdfast/lab';
import { base32Encode, type ChkVerifyCapability, formatCapability, verifyCapabilityOf } from '@holdfast/lafs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimJobs } from '../queue/claim-job.js';
import { type AttemptEnd, endClaims } from '../queue/end-claim.js';
import { queueStatus } from '../queue/queue-status.js';
import { someVerifyCapability, type TestQueue, testQueue } from '../testing/test-queue.js';
import { SpoolClaimLostError, withSpoolFile } from './spool-claims.js';
import { SpoolFile } from './spool-file.js';
import { identify } from './spool-file-identity.js';
import { SpoolFolder } from './spool-folder.js';

const grid = 'test';
const terms = {
  attempts: 1,
  firstPause: 0,
  longestPause: 0,
  unrecoverablePause: 3_600_000,
  postponedPause: 0,
};
const repaired: AttemptEnd = { result: 'repaired' };
const stableFor = 300;

let queue: TestQueue;
let folder: TemporaryFolder;
let spools: SpoolFolder[];
beforeEach(async () => {
  queue = await testQueue();
  folder = await temporaryFolder('spool');
  spools = [];
});
afterEach(async () => {
  await Promise.all(spools.map((spool) => spool.stop()));
  await queue[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A repairer's look at the folder. */
async function watch(stable = stableFor): Promise<SpoolFolder> {
  const { database } = queue;
  const spool = new SpoolFolder({
    dir: folder.path,
    database,
    grid,
    logger: silentLogger(),
    stableFor: stable,
    claimFor: 5_000,
    onAdded: () => undefined,
  });
  spools.push(spool);
  await spool.start();
  return spool;
}

const path = (name: string) => join(folder.path, name);
const names = async () => (await readdir(folder.path)).sort();
const put = (name: string, ...lines: string[]) => writeFile(path(name), `${lines.join('\n')}\n`);
const counts = async () => (await queueStatus(queue.database, grid, 0)).jobs;
const until = (what: string, holds: () => Promise<boolean>) =>
  waitFor(what, async () => (await holds()) || undefined, { timeoutMs: 50_000 });
const queued = (count: number) => until(`${count} jobs`, async () => (await counts()).queued === count);

/** Does all jobs that are in the queue, some at a time; gives how many. */
async function work(
  endOf: (storageIndex: string) => AttemptEnd = () => repaired,
  retry = terms,
): Promise<number> {
  let done = 0;
  const workInTurn = async () => {
    for (;;) {
      const [job] = await claimJobs(queue.database, grid, { worker: 'worker', claimFor: 60_000 }, 1);
      if (!job) return;
      await endClaims(
        queue.database,
        grid,
        [{ job, end: endOf(base32Encode(job.file.storageIndex)) }],
        retry,
      );
      done++;
    }
  };
  await Promise.all(Array.from({ length: 4 }, workInTurn));
  return done;
}

const text = (file: ChkVerifyCapability) => formatCapability(file);

describe('a file in the spool folder', () => {
  it('that grows while it is looked through for the last time stays, with what was added', async () => {
    await put('list.txt', text(someVerifyCapability()));
    const options = { database: queue.database, grid, logger: silentLogger(), onAdded: () => undefined };
    const file = new SpoolFile(path('list.txt'), await identify(path('list.txt')), options);
    const claim = { extend: async () => undefined };
    await file.follow(claim, () => false);
    expect(await work()).toBe(1);
    const last = file.follow(claim, () => false);
    await appendFile(path('list.txt'), '# one more\n');
    await last;
    expect(await readFile(path('list.txt'), 'utf8')).toContain('one more');
    expect(await names()).toEqual(['list.txt']);
  });

  it('is looked at seldom while all that it waits for is put off', async () => {
    const files = Array.from({ length: 2 }, someVerifyCapability);
    await put('list.txt', ...files.map(text));
    const options = { database: queue.database, grid, logger: silentLogger(), onAdded: () => undefined };
    const file = new SpoolFile(path('list.txt'), await identify(path('list.txt')), options);
    const canWait = () => file.follow({ extend: async () => undefined }, () => false);
    const claimAndPutOff = async () => {
      const [job] = await claimJobs(queue.database, grid, { worker: 'worker', claimFor: 60_000 }, 1);
      const longTerms = { ...terms, postponedPause: 3_600_000 };
      if (job) await endClaims(queue.database, grid, [{ job, end: { result: 'postponed' } }], longTerms);
    };
    expect(await canWait()).toBe(false);
    await claimAndPutOff();
    expect(await canWait()).toBe(false);
    await claimAndPutOff();
    expect(await canWait()).toBe(true);
    await queue.sql('update repairer.jobs set not_before = null');
    expect(await canWait()).toBe(false);
    await work();
    expect(await canWait()).toBe(false);
    expect(await names()).toEqual([]);
  });

  it('is not kept waiting by any number of files that rest', async () => {
    const resting = Array.from({ length: 200 }, someVerifyCapability);
    await Promise.all(resting.map((file, place) => put(`a${place}`, text(file))));
    await watch();
    await queued(resting.length);
    // Put off for so long that the files which name them rest.
    await work(() => ({ result: 'postponed' }), { ...terms, postponedPause: 3_600_000 });
    await put('b', text(someVerifyCapability()));
    await queued(resting.length + 1);
  });

  it('is taken with all that it names, and deleted once all of it is repaired', async () => {
    const [first, second] = [someVerifyCapability(), someVerifyCapability()];
    await put(
      'list.txt',
      '# files of the customer',
      text(first),
      '',
      `  ${base32Encode(second.storageIndex)}   # by its storage index`,
      text(first),
    );
    await watch();
    await queued(2);
    await delay(2 * stableFor);
    expect(await names()).toEqual(['list.txt']);
    await work();
    await until('the file is gone', async () => (await names()).length === 0);
    await until(
      'it is forgotten',
      async () => (await queue.sql('select from repairer.spool_files')).length === 0,
    );
  });

  it('is left alone while it is being written', async () => {
    // Much longer than any pause between two lines; all of them together take longer than that and two looks.
    await watch(3_000);
    for (let line = 0; line < 20; line++) {
      await appendFile(path('growing'), `${text(someVerifyCapability())}\n`);
      await delay(300);
      expect((await counts()).queued).toBe(0);
    }
    await queued(20);
  });

  it('leaves what cannot be repaired beside it, with the reason, and no more than repairing needs', async () => {
    const [well, lost, broken] = [someVerifyCapability(), someVerifyCapability(), someVerifyCapability()];
    const read = { ...someVerifyCapability(), kind: 'CHK' as const, key: new Uint8Array(16).fill(7) };
    await put(
      'list',
      text(well),
      'nonsense',
      text(lost),
      text(broken),
      formatCapability(read),
      'URI:DIR2:a:b',
    );
    const { mode } = await stat(path('list'));
    await watch();
    await queued(4);
    await work((index) => {
      if (index === base32Encode(lost.storageIndex))
        return { result: 'unrecoverable', error: '2 of 3 shares' };
      return index === base32Encode(well.storageIndex)
        ? repaired
        : { result: 'failed', error: 'no server took it' };
    });
    await until('only what failed is left', async () => String(await names()) === 'list.failed');
    const failed = (await readFile(path('list.failed'), 'utf8')).trimEnd().split('\n');
    expect(failed.sort()).toEqual(
      [
        'nonsense  # malformed capability: expected URI:<kind>:…',
        'URI:DIR2:a:b  # capabilities of the kind URI:DIR2: are not supported: only immutable files are repaired',
        `${text(lost)}  # 2 of 3 shares; tried again when servers return`,
        `${text(broken)}  # no server took it`,
        `${text(verifyCapabilityOf(read))}  # no server took it`,
      ].sort(),
    );
    expect((await stat(path('list.failed'))).mode).toBe(mode);
  });

  it('adds to what failed before under its name, and can be made of that again', async () => {
    const file = someVerifyCapability();
    await put('list', text(file));
    await watch();
    await queued(1);
    await work(() => ({ result: 'failed', error: 'no server took it' }));
    await until('the file has failed', async () => String(await names()) === 'list.failed');
    await writeFile(path('again'), await readFile(path('list.failed')));
    await put('list', 'nonsense');
    await queued(1);
    await work();
    await until('both are done', async () => String(await names()) === 'list.failed');
    expect((await readFile(path('list.failed'), 'utf8')).split('\n')).toHaveLength(3);
  });

  it('is looked at by several repairers, some of which come and go, without any job done twice', async () => {
    const files = Array.from({ length: 1_200 }, someVerifyCapability);
    await put('long', ...files.map(text));
    const first = await watch();
    await watch();
    await until('the first jobs', async () => (await counts()).queued > 0);
    await first.stop();
    await watch();
    await queued(files.length);
    let done = 0;
    await until('the file is gone', async () => {
      done += await work();
      return (await names()).length === 0;
    });
    expect(done).toBe(files.length);
    expect((await counts()).done).toBe(files.length);
  }, 120_000);

  it('is finished by another repairer where one ended between two steps', async () => {
    // The spool file is deleted already, and what failed is not yet in its place.
    await put('list.failed.part', 'nonsense  # malformed');
    await watch();
    await until('it is in its place', async () => String(await names()) === 'list.failed');
  });

  it('is taken by another repairer when the one that looked through it was killed', async () => {
    await queue.sql(
      "insert into repairer.spool_claims (grid, name, claim_until) values ($1, 'list', now() + interval '2 seconds')",
      [grid],
    );
    await put('list', text(someVerifyCapability()));
    await watch();
    await queued(1);
    const rows = await queue.sql(
      "select from repairer.spool_claims where claim_until > now() + interval '1 hour'",
    );
    expect(rows).toEqual([]);
  });

  it('is taken again when it is put there again', async () => {
    const file = someVerifyCapability();
    await watch();
    for (const round of [1, 2]) {
      await put('list', ...Array.from({ length: round }, () => text(file)));
      await queued(1);
      await work();
      await until('the file is gone', async () => (await names()).length === 0);
    }
    const [job] = await queue.sql<{ generation: number }>('select generation from repairer.jobs');
    expect(job?.generation).toBe(2);
  });

  it('is not one that is hidden, a folder, or full of what is no text', async () => {
    await put('.hidden', text(someVerifyCapability()));
    await writeFile(path('picture'), Buffer.alloc(3_000_000, 0xff));
    await watch();
    await until('the picture has failed', async () => (await names()).includes('picture.failed'));
    expect(await names()).toEqual(['.hidden', 'picture.failed']);
    expect((await stat(path('picture.failed'))).size).toBeLessThan(10_000);
    expect(await counts()).toMatchObject({ queued: 0, done: 0 });
    await rm(path('.hidden'));
  });
});

describe('a claim on a file of the spool folder', () => {
  const options = (claimFor = 60_000) => ({ database: queue.database, grid, claimFor });

  it('is one repairer’s, and with no transaction open while it looks through the file', async () => {
    const seen: unknown[] = [];
    const taken = await withSpoolFile(options(), 'list', async () => {
      seen.push(await withSpoolFile(options(), 'list', async () => undefined));
      seen.push(await withSpoolFile(options(), 'other', async () => undefined));
      seen.push(
        await queue.sql(
          `select state, query from pg_stat_activity
            where datname = current_database() and state like 'idle in transaction%'`,
        ),
      );
    });
    expect(taken).toBe(true);
    expect(seen).toEqual([false, true, []]);
    expect(await withSpoolFile(options(), 'list', async () => undefined)).toBe(true);
    expect(await queue.sql('select from repairer.spool_claims')).toEqual([]);
  });

  it('is given back where its work fails', async () => {
    const failing = withSpoolFile(options(), 'list', async () => {
      throw new Error('the disk');
    });
    await expect(failing).rejects.toThrow('the disk');
    expect(await withSpoolFile(options(), 'list', async () => undefined)).toBe(true);
  });

  it('that is extended is kept; one that is not is lost, and whoever had it does nothing more', async () => {
    let others = 0;
    const slow = withSpoolFile(options(3_000), 'list', async (claim) => {
      await claim.extend();
      expect(await withSpoolFile(options(), 'list', async () => undefined)).toBe(false);
      await until('another has it', () =>
        withSpoolFile(options(), 'list', async () => {
          others++;
          await expect(claim.extend()).rejects.toThrow(SpoolClaimLostError);
        }),
      );
      await claim.extend();
    });
    await expect(slow).rejects.toThrow(SpoolClaimLostError);
    expect(others).toBe(1);
  });
});
