import { type RepairAlarm, type WatchStatus, watchSubjects } from '@holdfast/common/repairs';
import { waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RepairLab, repairLab } from '../testing/repair-lab.js';

const patient = { timeoutMs: 150_000, everyMs: 200 };
/**
 * Files of 2-of-6 on three servers. A repairer writes every 10 to 15 s that it reaches a server, of each at another time:
 * servers that go at once are seen to go so far apart, and with a shorter grace time the first is given up meanwhile.
 */
const settings = `sweep: 500ms
claim: 4s
retry_after: 500ms
watch: { period: 3s, grace: 30s, settle: 1s, repair_below: { servers: 3, missing_shares: 1 } }
`;
let repairs: RepairLab;
let subjects: ReturnType<typeof watchSubjects>;

beforeAll(async () => {
  repairs = await repairLab({}, settings);
  subjects = watchSubjects(repairs.subjects.add.name.split('.')[1] ?? '');
});
afterAll(() => repairs?.[Symbol.asyncDispose]());

const status = () => repairs.bus.ask(subjects.status, {});
/** Waits for a status of the watch. */
const until = (what: string, holds: (status: WatchStatus) => boolean) =>
  waitFor(
    what,
    async () => {
      const now = await status();
      return holds(now) ? now : undefined;
    },
    patient,
  );
const allHave = (files: number, spare: number) => (now: WatchStatus) =>
  now.files.some((row) => row.spare === spare && row.files === files);

describe('files under watch', () => {
  let files: string[];

  it('are checked, and repaired when they have lost shares, though nobody asks', async () => {
    files = await repairs.store(12);
    const answer = await repairs.bus.ask(subjects.add, { files, account: 'alice' });
    expect(answer).toEqual({ added: 12, known: 0, refused: [] });
    await until('all files were checked', allHave(12, 4));
    await repairs.emptyServer('s1');
    await waitFor(
      'all files have their shares again',
      async () => {
        const shares = await Promise.all(files.map((file) => repairs.sharesOf(file)));
        return shares.every(({ size }) => size === 6) || undefined;
      },
      patient,
    );
    await until('the repairs were recorded', allHave(12, 4));
  });

  it('are refused by their position where they are none, without being shown', async () => {
    const answer = await repairs.bus.ask(subjects.add, {
      files: ['nonsense', files[0] ?? ''],
      account: 'alice',
    });
    expect(answer).toMatchObject({ added: 0, known: 1, refused: [{ position: 0, code: 'malformed' }] });
  });

  it('are looked after by the next repairer when the one that schedules is killed', async () => {
    const { scheduler } = await until('somebody schedules', ({ scheduler }) => scheduler !== null);
    await repairs.lab.kill(scheduler ?? '');
    const { scheduler: next } = await until('another schedules', (now) => now.scheduler !== scheduler);
    expect(next).not.toBeNull();
    await repairs.lab.start(scheduler ?? '');
  });

  it('are made whole on the other servers when one is given up, after its grace time', async () => {
    await repairs.lab.stop('s2');
    await until('the server is away', ({ servers }) => servers.suspected === 1);
    await until('the server is given up', ({ servers }) => servers.gone === 1);
    await until('all files are whole again', allHave(12, 4));
    await repairs.lab.start('s2');
    await until('the server is back', ({ servers }) => servers.active === 3);
  }, 400_000);

  it('are not repaired while most servers are away: an alarm is raised, and ends by itself', async () => {
    const alarms: RepairAlarm[] = [];
    const stop = repairs.bus.subscribe(subjects.alarm, (alarm) => {
      alarms.push(alarm);
    });
    // One that is given up before the other goes would leave two servers, of which one away says nothing.
    await Promise.all(['s1', 's3'].map((server) => repairs.lab.stop(server)));
    await until('the network is suspected', ({ alarm }) => alarm !== null);
    await waitFor('it is told', () => alarms.some(({ suspected }) => suspected) || undefined, patient);
    expect(await repairs.logs()).toContain('the network is suspected, and repair is paused');
    const { servers } = await status();
    await repairs.lab.start('s1');
    await repairs.lab.start('s3');
    await until('the network is trusted again', ({ alarm }) => alarm === null);
    await waitFor('it is told', () => alarms.at(-1)?.suspected === false || undefined, patient);
    expect(servers.gone).toBeLessThan(2);
    await until('all files are whole', allHave(12, 4));
    stop();
  }, 400_000);

  it('name no capability in any log', async () => {
    const logs = await repairs.logs();
    for (const file of files) expect(logs).not.toContain(file.split(':')[3]);
  });
});
