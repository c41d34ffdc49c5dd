import { silentLogger } from '@holdfast/common/logging';
import { blockedStatement, waitFor } from '@holdfast/lab';
import { type ChkVerifyCapability, formatCapability } from '@holdfast/lafs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addJobs } from '../../queue/add-jobs.js';
import { claimJobs } from '../../queue/claim-job.js';
import { endClaims } from '../../queue/end-claim.js';
import { contradicting, someVerifyCapability, type TestQueue, testQueue } from '../../testing/test-queue.js';
import { type NetworkSuspicion, unsuspected, usualThreshold } from '../decisions/index.js';
import { RecordedServers } from '../recorded-servers.js';
import { recordCheckEnds, takeDueChecks } from '../records/due-checks.js';
import { countChecks, readNetwork } from '../records/network-record.js';
import { listServers, reportServers } from '../records/server-records.js';
import { noteEndedJobs } from '../records/wanted-repairs.js';
import { nobody, watchFiles } from '../records/watched-files.js';
import { admitRepairs } from './admit-repairs.js';
import { lookAround } from './look-around.js';
import { Scheduler } from './scheduler.js';
import { strikeGone } from './strike-gone.js';

const grid = 'test';
const minute = 60_000;
const hour = 60 * minute;
const grace = 3 * hour;
const settle = 5 * minute;
const terms = { period: 30 * 24 * hour, grace, settle, threshold: usualThreshold(7), backlog: 10 };
const ids = Array.from({ length: 12 }, (_, index) => `v0-${String(index).padStart(2, '0')}`);
let queue: TestQueue;

beforeAll(async () => {
  queue = await testQueue();
});
afterAll(() => queue[Symbol.asyncDispose]());
beforeEach(async () => {
  await queue.sql('delete from repairer.watched');
  await queue.sql(
    'truncate repairer.servers, repairer.network, repairer.check_counts, repairer.watched_for, repairer.jobs',
  );
  await report(ids);
  await look();
});

/** A repairer that reaches these servers, of all, says so. */
async function report(reached: readonly string[], known = ids): Promise<void> {
  const seen = new Set(reached);
  await queue.sql(`update repairer.servers set reached_at = reached_at - interval '10 minutes'`);
  await reportServers(
    queue.database.pool,
    grid,
    known.map((serverId) => ({ serverId, reached: seen.has(serverId), leaving: false })),
  );
}

const look = () => lookAround(queue.database.pool, { grid, scheduler: 'r1', grace, settle });

/** As if so much time had passed in which somebody looked. */
async function lookAfter(time: number): Promise<Awaited<ReturnType<typeof look>>> {
  let last = await look();
  for (let passed = 0; passed < time; passed += 20_000) {
    await queue.sql(`update repairer.network set looked_at = looked_at - interval '20 seconds'`);
    last = await look();
  }
  return last;
}
const states = async () => new RecordedServers(await listServers(queue.database.pool, grid));

/** Puts a file under watch that was found with shares 0 to 9, each on a server of its own, and was checked. */
async function checkedFile(servers: RecordedServers, shares = 10, worthwhile = false) {
  const file = someVerifyCapability();
  await watchFiles(queue.database, grid, nobody, [file]);
  await endCheck(file, servers, shares, worthwhile);
  return file;
}

/** A check of the file ends, by what its repairer thinks of the servers. */
async function endCheck(
  file: ChkVerifyCapability,
  servers: RecordedServers,
  shares = 10,
  worthwhile = false,
): Promise<void> {
  const record = {
    shares: ids.slice(0, shares).map((serverId, shareNumber) => ({ serverId, shareNumber })),
    health: { needed: 3, expected: 10, readable: shares, lasting: shares, servers: shares },
  };
  const end = { file, proven: true, record, nextCheckIn: 24 * hour, worthwhile };
  await recordCheckEnds(queue.database.pool, grid, [end], { servers, restAfterRepair: hour });
}
const repairs = () =>
  queue.sql<{ repair: string; spare_shares: number; share_servers: number[] }>(
    'select repair, spare_shares, share_servers from repairer.watched order by spare_shares',
  );

const hoursToCheck = async () =>
  (
    await queue.sql<{ hours: number }>(
      'select (extract(epoch from next_check - now()) / 3600)::float8 as hours from repairer.watched',
    )
  )[0]?.hours;

describe('a server', () => {
  it('is suspected while nobody reaches it, gone after its grace time, and active again when it is back', async () => {
    await report(ids.slice(1));
    await lookAfter(hour);
    expect((await states()).stateOf('v0-00')).toBe('suspected');
    await lookAfter(3 * hour);
    expect((await states()).stateOf('v0-00')).toBe('gone');
    await report(ids);
    await lookAfter(minute);
    expect((await states()).stateOf('v0-00')).toBe('active');
  });

  it('is reached where any repairer reaches it', async () => {
    await report(ids.slice(6));
    await reportServers(
      queue.database.pool,
      grid,
      ids.map((serverId, index) => ({ serverId, reached: index < 6, leaving: false })),
    );
    const { servers } = await look();
    expect(servers.every(({ reached }) => reached)).toBe(true);
  });

  it('is gone without a grace time once the operator has made everybody forget it', async () => {
    await queue.sql(
      `update repairer.servers set known_at = now() - interval '1 hour' where server_id = 'v0-00'`,
    );
    await report(ids.slice(1), ids.slice(1));
    await lookAfter(0);
    expect((await states()).stateOf('v0-00')).toBe('gone');
  });

  it('is not held to be away for a time in which nobody looked', async () => {
    await queue.sql(`update repairer.network set looked_at = now() - interval '10 days'`);
    await queue.sql(`update repairer.servers set reached_at = now() - interval '10 days'`);
    const { network, servers } = await look();
    expect(network.suspected).toBe(false);
    expect(servers.every(({ state }) => state === 'active')).toBe(true);
  });
});

describe('a look after a time in which nobody looked', () => {
  it('takes its turn with repairers that say what they see, whatever order the servers are stored in', async () => {
    const [first, ...others] = ids;
    // It joins last, so that its row is stored behind all others.
    await queue.sql('delete from repairer.servers where server_id = $1', [first]);
    await reportServers(queue.database.pool, grid, [
      { serverId: first as string, reached: true, leaving: false },
    ]);
    await queue.sql(`update repairer.network set looked_at = now() - interval '10 days'`);
    let looking: Promise<unknown> | undefined;
    await queue.database.transaction(async (client) => {
      // A repairer reports by the order of ids: it has come to the first, and the others are to follow.
      await client.query('select from repairer.servers where server_id = $1 for update', [first]);
      looking = look();
      await blockedStatement(client);
      await client.query('select from repairer.servers where server_id = any($1) for update', [others]);
    });
    await looking;
  });
});

describe('a server that is given up', () => {
  it('has its shares struck off, and files that now need it are to be repaired', async () => {
    const servers = await states();
    await checkedFile(servers, 10);
    await checkedFile(servers, 8);
    await checkedFile(servers, 0);
    await report(ids.slice(1));
    const around = await lookAfter(4 * hour);
    const gone = around.servers.find(({ toStrike }) => toStrike);
    expect(gone?.serverId).toBe('v0-00');
    const options = { database: queue.database, grid, terms };
    await strikeGone(gone as NonNullable<typeof gone>, new RecordedServers(around.servers), options);
    expect((await repairs()).map(({ repair, spare_shares }) => [spare_shares, repair])).toEqual([
      [-3, 'none'],
      [4, 'wanted'],
      [6, 'none'],
    ]);
    expect((await repairs()).some(({ share_servers }) => share_servers.includes(gone?.key as number))).toBe(
      false,
    );
    expect((await look()).servers.some(({ toStrike }) => toStrike)).toBe(false);
  });

  it('has those struck off too that a check puts back on record later, which had not heard of it', async () => {
    const before = await states();
    const file = await checkedFile(before, 8);
    await report(ids.slice(2));
    await lookAfter(4 * hour);
    const left = ids.slice(2, 8).map((id) => before.keyOf(id));
    const onRecord = async () => (await repairs())[0]?.share_servers ?? [];
    const struckOff = (what: string) =>
      waitFor(what, async () => (await onRecord()).length === left.length || undefined);
    const scheduler = new Scheduler({
      ...{ database: queue.database, grid, name: 'r1', logger: silentLogger(), terms },
      onJobs: () => undefined,
      onSuspicion: () => undefined,
    });
    // Later than this others would be away too by the clock, and the network suspected.
    await report(ids.slice(2));
    scheduler.start();
    try {
      await struckOff('the shares on both servers are struck off');
      await endCheck(file, before, 8);
      await struckOff('they are struck off again');
    } finally {
      await scheduler.stop();
    }
    expect((await repairs())[0]).toMatchObject({ share_servers: left, spare_shares: 3 });
  });
});

describe('the network', () => {
  it('is suspected where most servers vanish together, and none of them is given up however long it lasts', async () => {
    await report(ids.slice(7));
    const { network } = await lookAfter(10 * hour);
    expect(network).toMatchObject({ suspected: true, reason: 'servers-away' });
    expect((await states()).states).toEqual({ active: 5, leaving: 0, suspected: 7, gone: 0 });
    expect((await readNetwork(queue.database.pool, grid))?.since).toBeInstanceOf(Date);
    await report(ids);
    expect((await lookAfter(2 * minute)).network.suspected).toBe(true);
    expect((await lookAfter(4 * minute)).network).toEqual(unsuspected);
    expect((await states()).states).toMatchObject({ active: 12 });
  });

  it('is suspected where most checks fail', async () => {
    await countChecks(queue.database.pool, grid, { checks: 10, failed: 9 });
    expect((await look()).network.suspected).toBe(false);
    await countChecks(queue.database.pool, grid, { checks: 20, failed: 19 });
    expect((await look()).network).toMatchObject({ suspected: true, reason: 'checks-failing' });
  });
});

describe('repairs', () => {
  const admit = (network: NetworkSuspicion = unsuspected, backlog = 10) =>
    admitRepairs(queue.database.pool, network, { database: queue.database, grid, backlog });

  it('go into the queue by risk, and no more at once than may wait', async () => {
    const servers = await states();
    for (const shares of [7, 4, 6, 5]) await checkedFile(servers, shares, true);
    expect(await admit(unsuspected, 3)).toBe(3);
    expect(await admit(unsuspected, 3)).toBe(0);
    const jobs = await queue.sql<{ priority: number }>(
      'select priority from repairer.jobs order by priority',
    );
    expect(jobs.map(({ priority }) => priority)).toEqual([1, 2, 3]);
    expect(await admit(unsuspected, 4)).toBe(1);
  });

  const claimed = async () => {
    const [job] = await claimJobs(queue.database, grid, { worker: 'worker', claimFor: minute }, 1);
    if (!job) throw new Error('there was no job');
    return job;
  };

  it('are done at once, also where somebody asked before for whom they were put off', async () => {
    const file = await checkedFile(await states(), 5, true);
    await addJobs(queue.database, grid, { source: 'spool' }, [{ file }]);
    const pauses = { firstPause: 0, longestPause: 0, unrecoverablePause: hour, postponedPause: hour };
    await endClaims(queue.database, grid, [{ job: await claimed(), end: { result: 'postponed' } }], {
      attempts: 1,
      ...pauses,
    });
    expect(await admit()).toBe(0);
    expect(await claimed()).toMatchObject({ patient: false, onlyIfWorthwhile: false });
  });

  it('are put off for nobody who asks after them', async () => {
    const file = await checkedFile(await states(), 5, true);
    await admit();
    await addJobs(queue.database, grid, { source: 'bus' }, [{ file }]);
    expect(await claimed()).toMatchObject({ patient: false, onlyIfWorthwhile: false });
  });

  it('wait while the network is suspected', async () => {
    await checkedFile(await states(), 5, true);
    expect(await admit({ suspected: true, reason: 'servers-away', quiet: 0 })).toBe(0);
    expect(await admit()).toBe(1);
  });

  it('are followed by a check at once, and not by the next repair', async () => {
    const servers = await states();
    const file = await checkedFile(servers, 5, true);
    await admit();
    expect(await noteEndedJobs(queue.database.pool, grid)).toBe(0);
    await queue.sql(`update repairer.jobs set state = 'done', last_result = 'repaired', spare_shares = 2`);
    expect(await noteEndedJobs(queue.database.pool, grid)).toBe(1);
    expect(await takeDueChecks(queue.database.pool, grid, { most: 1, within: minute, servers })).toHaveLength(
      1,
    );
    const record = {
      shares: [],
      health: { needed: 3, expected: 10, readable: 5, lasting: 5, servers: 5 },
    };
    const end = { file, proven: true, record, nextCheckIn: 100 * hour, worthwhile: true };
    await recordCheckEnds(queue.database.pool, grid, [end], { servers, restAfterRepair: hour });
    expect((await repairs())[0]?.repair).toBe('none');
    expect(await hoursToCheck()).toBeCloseTo(1, 1);
    await recordCheckEnds(queue.database.pool, grid, [end], { servers, restAfterRepair: 0 });
    await waitFor(
      'the repair is wanted again',
      async () => (await repairs())[0]?.repair === 'wanted' || undefined,
    );
  });

  it('are wanted again at once where a file loses more than it had left', async () => {
    const servers = await states();
    const file = await checkedFile(servers, 5, true);
    await admit();
    await queue.sql(`update repairer.jobs set state = 'done', last_result = 'repaired', spare_shares = 2`);
    await noteEndedJobs(queue.database.pool, grid);
    const record = { shares: [], health: { needed: 3, expected: 10, readable: 3, lasting: 3, servers: 3 } };
    const end = { file, proven: true, record, nextCheckIn: hour, worthwhile: true };
    await recordCheckEnds(queue.database.pool, grid, [end], { servers, restAfterRepair: hour });
    expect((await repairs())[0]?.repair).toBe('wanted');
  });

  it.each([
    ['failed', 'failed'],
    ['done', 'not-worthwhile'],
  ])(
    'of which nothing came are no repairs, and are looked at within the hour: %s, %s',
    async (state, result) => {
      const servers = await states();
      const file = await checkedFile(servers, 5, true);
      await admit();
      await queue.sql('update repairer.jobs set state = $1, last_result = $2', [state, result]);
      await noteEndedJobs(queue.database.pool, grid);
      expect(await hoursToCheck()).toBeCloseTo(1, 1);
      const record = { shares: [], health: { needed: 3, expected: 10, readable: 5, lasting: 5, servers: 5 } };
      const end = { file, proven: true, record, nextCheckIn: hour, worthwhile: true };
      await recordCheckEnds(queue.database.pool, grid, [end], { servers, restAfterRepair: hour });
      expect((await repairs())[0]?.repair).toBe('wanted');
    },
  );

  it('go by the capability that a job was proven by, where the file is under watch by another', async () => {
    const file = await checkedFile(await states(), 5, true);
    const right = contradicting(file);
    await addJobs(queue.database, grid, { source: 'test' }, [{ file: right }]);
    await queue.sql('update repairer.jobs set proven = true');
    expect(await admit()).toBe(0);
    const [watched] = await queue.sql<{ verify_capability: string }>(
      'select verify_capability from repairer.watched',
    );
    expect(watched?.verify_capability).toBe(formatCapability(right));
  });
});
