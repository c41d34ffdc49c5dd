import { type RepairOutcome, watchSubjects } from '@holdfast/common/repairs';
import { waitFor } from '@holdfast/lab';
import { base32Encode, type ChkReadCapability, parseCapability, storageIndexOf } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RepairLab, repairLab, shares } from '../testing/repair-lab.js';

const storageIndex = (capability: string) =>
  base32Encode(storageIndexOf(parseCapability(capability) as ChkReadCapability));
const deadline = { timeoutMs: 150_000 };
const graceOf = (grace: string) =>
  `sweep: 500ms\nclaim: 4s\nretry_after: 500ms\nwatch: { settle: 1s, grace: ${grace} }\n`;

/** A grid, with what its repairers tell. */
async function listeningTo(grace: string) {
  const grid = await repairLab({}, graceOf(grace));
  const outcomes: RepairOutcome[] = [];
  grid.bus.subscribe(grid.subjects.outcome, (outcome) => {
    outcomes.push(outcome);
  });
  const resultsOf = (file: string) =>
    outcomes.flatMap((told) => (told.storageIndex === storageIndex(file) ? [told.result] : []));
  const ended = (file: string, result: string) =>
    waitFor(`the file is ${result}`, () => resultsOf(file).includes(result) || undefined, deadline);
  const watch = watchSubjects(grid.subjects.add.name.split('.')[1] ?? '');
  await waitFor(
    'all servers were reached',
    async () => (await grid.bus.ask(watch.status, {})).servers.active === 3 || undefined,
    deadline,
  );
  return { grid, resultsOf, ended };
}

describe('a file that is asked for while one of its servers is away', () => {
  let grid: RepairLab;
  let lab: Awaited<ReturnType<typeof listeningTo>>;
  let [waits, urgent, endangered] = ['', '', ''];
  beforeAll(async () => {
    lab = await listeningTo('1h');
    ({ grid } = lab);
    [waits = '', urgent = ''] = await grid.store(2);
    await grid.lab.stop('s1');
  });
  afterAll(() => grid?.[Symbol.asyncDispose]());

  it('is put off, as the server may come back, and nothing is made anew', async () => {
    await grid.bus.ask(grid.subjects.add, { files: [waits, urgent] });
    await lab.ended(waits, 'postponed');
    await lab.ended(urgent, 'postponed');
    // What a repairer tells may have been counted some moments ago.
    await expect
      .poll(() => grid.status())
      .toMatchObject({ jobs: { queued: 2, done: 0 }, postponed: 2, delayed: 0 });
    await expect
      .poll(async () => (await grid.status()).recent[0]?.error)
      .toBe('1 known server could not be asked, and may come back');
  });

  it('is repaired at once where somebody wants it now', async () => {
    await grid.bus.ask(grid.subjects.add, { files: [urgent], now: true });
    await lab.ended(urgent, 'repaired');
    expect(lab.resultsOf(waits)).not.toContain('repaired');
  });

  it('is found well soon after the server is back', async () => {
    await grid.lab.start('s1');
    await waitFor(
      'it was looked after',
      () => ['healthy', 'repaired'].includes(lab.resultsOf(waits).at(-1) ?? '') || undefined,
      deadline,
    );
    await expect.poll(async () => (await grid.status()).postponed).toBe(0);
    expect((await grid.sharesOf(waits)).size).toBe(shares.total);
  }, 300_000);

  it('is repaired at once where it is in danger', async () => {
    [endangered = ''] = await waitFor(
      'a file can be stored',
      () => grid.store(1).catch(() => undefined),
      deadline,
    );
    await grid.lab.stop('s1');
    await grid.emptyServer('s2');
    await grid.bus.ask(grid.subjects.add, { files: [endangered] });
    await lab.ended(endangered, 'repaired');
    expect(lab.resultsOf(endangered)).toEqual(['repaired']);
  }, 300_000);
});

it('a file is made whole without the server that is away when that is given up', async () => {
  const { grid, ended } = await listeningTo('3s');
  await using _grid = grid;
  const [file = ''] = await grid.store(1);
  await grid.lab.stop('s1');
  await grid.bus.ask(grid.subjects.add, { files: [file] });
  await ended(file, 'repaired');
}, 300_000);
