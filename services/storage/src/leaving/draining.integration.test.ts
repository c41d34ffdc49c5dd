import { randomBytes } from 'node:crypto';
import { Bus } from '@holdfast/common/bus';
import { silentLogger } from '@holdfast/common/logging';
import { type AddRepairs, type JobStandings, repairSubjects } from '@holdfast/common/repairs';
import { startNats, waitFor } from '@holdfast/lab';
import { base32Encode, storageRoutes } from '@holdfast/lafs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { accountSubjects } from '../accounts/subjects.js';
import { newIndex } from '../testing/new-shares.js';
import { openKeeper, type TestKeeper } from '../testing/test-keeper.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { DrainRecords } from './drain-records.js';
import { findServer, setLeaving } from './set-leaving.js';

type Job = NonNullable<JobStandings['jobs'][number]>;

const patience = { timeout: 30_000, interval: 50 };
const { add, standings } = repairSubjects('test');

describe('a leaving server', () => {
  let nats: Awaited<ReturnType<typeof startNats>>;
  let server: TestServer;
  let keeper: TestKeeper;
  let key: number;
  let records: DrainRecords;
  let repairers: Bus;
  /** What repairers would have in their queue. */
  const jobs = new Map<string, Job>();
  const added: AddRepairs[] = [];

  beforeAll(async () => {
    nats = await startNats();
    server = await startTestServer({ bus: nats.url });
    keeper = await openKeeper(server);
    key = (await findServer(keeper.database, 's1')).key;
    records = new DrainRecords(keeper.database, key);
    repairers = new Bus({ url: nats.url, name: 'repairers', logger: silentLogger() });
    await waitFor('the bus', () => repairers.connected || undefined);
  });
  afterEach(async () => {
    await setLeaving(keeper.database, key, false);
    tell();
    await expect.poll(isLeaving, patience).toBe(false);
    jobs.clear();
    added.length = 0;
  });
  afterAll(async () => {
    await repairers?.close();
    await keeper?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
  });

  const tell = () => expect(repairers.publish(accountSubjects('test').changed, {})).toBe(true);

  const isLeaving = async () => {
    const { headers } = await server.client.request('GET', storageRoutes.version.path({}));
    return headers['holdfast-state'] === 'leaving';
  };

  /** As if it had been marked long enough ago for every repairer to have noticed. */
  async function leave(): Promise<void> {
    await setLeaving(keeper.database, key, true);
    await server.sql(`update storage.servers set leaving_since = now() - interval '1 minute'`);
    tell();
  }

  function serveRepairs(): void {
    repairers.serve(add, ({ files, ...rest }) => {
      added.push({ files, ...rest });
      for (const file of files)
        jobs.set(file, { state: 'queued', result: null, endedAt: null, begunAt: null });
      return { added: files.length, known: 0, refused: [] };
    });
    repairers.serve(standings, ({ storageIndexes }) => ({
      jobs: storageIndexes.map((storageIndex) => jobs.get(storageIndex) ?? null),
    }));
  }

  async function store(...shareNumbers: number[]): Promise<string> {
    const storageIndex = newIndex();
    for (const shareNumber of shareNumbers)
      await server.client.store({ storageIndex, shareNumber }, randomBytes(10));
    return base32Encode(storageIndex);
  }

  const ended = (state: Job['state'], time = Date.now(), took = 0): Job => ({
    state,
    result: state === 'done' ? 'repaired' : null,
    endedAt: new Date(time).toISOString(),
    begunAt: new Date(time - took).toISOString(),
  });

  it('says that it finds no repairer while there is none', async () => {
    await store(0);
    await leave();
    await expect.poll(async () => (await records.read())?.problem, patience).toMatch(/nobody listens$/);
    expect((await records.read())?.progress).toBeNull();
  });

  it('has repairers put its files elsewhere, and counts how many are, until all are', async () => {
    serveRepairs();
    const [safe, long, failing, waiting] = [
      await store(0, 1, 2),
      await store(0),
      await store(0),
      await store(0),
    ];
    await server.client.storeMutable({ storageIndex: randomBytes(16), shareNumber: 0 }, randomBytes(10));
    // What was found healthy while this server still counted says nothing.
    jobs.set(safe, ended('done', Date.now() - 3_600_000));
    // Nor does what took from then until now.
    jobs.set(long, ended('done', Date.now(), 3_600_000));
    await leave();
    const files = (await records.filesAfter(undefined, 10)).length;
    expect(files).toBe(5);
    await expect.poll(() => jobs.size, patience).toBe(files);
    const { serverId } = await findServer(keeper.database, 's1');
    expect(added.map(({ source }) => source)).toEqual([`drain ${serverId}`]);
    expect(jobs.get(safe)?.state).toBe('queued');
    // Nor does what the watch found could wait.
    jobs.set(safe, { ...ended('done'), result: 'not-worthwhile' });
    await expect.poll(() => jobs.get(safe)?.state, patience).toBe('queued');
    expect(jobs.get(long)?.state).toBe('queued');

    for (const file of jobs.keys()) jobs.set(file, ended('done'));
    jobs.set(long, { state: 'claimed', result: null, endedAt: null, begunAt: null });
    jobs.set(failing, ended('failed'));
    jobs.set(waiting, ended('waiting'));
    const half = {
      files,
      shares: 7,
      safeFiles: 2,
      safeShares: 4,
      failedFiles: 1,
      waitingFiles: 1,
      mutableShares: 1,
    };
    await expect.poll(async () => (await records.read())?.progress, patience).toEqual(half);
    expect((await records.read())?.problem).toBeNull();

    for (const file of [long, failing, waiting]) jobs.set(file, ended('done'));
    await expect
      .poll(async () => (await records.read())?.progress, patience)
      .toEqual({ ...half, safeFiles: 5, safeShares: 7, failedFiles: 0, waitingFiles: 0 });
    // Nothing was asked for twice.
    expect(added.flatMap((each) => each.files)).toHaveLength(files + 1);
  });

  it('asks again for what came to it meanwhile, and forgets all of it when it stays', async () => {
    await server.client.allocated(new Uint8Array(16).fill(7), [0], 10);
    await leave();
    await expect.poll(() => jobs.size, patience).toBeGreaterThan(0);
    const before = jobs.size;
    const late = { storageIndex: new Uint8Array(16).fill(7), shareNumber: 0 };
    await server.client.write(late, { begin: 0, end: 10 }, randomBytes(10));
    await expect.poll(() => jobs.has(base32Encode(late.storageIndex)), patience).toBe(true);
    expect(jobs.size).toBe(before + 1);
    await setLeaving(keeper.database, key, false);
    expect(await records.read()).toBeUndefined();
  });
});
