import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { silentLogger } from '@holdfast/common/logging';
import { watchSubjects } from '@holdfast/common/repairs';
import { Lab, waitFor } from '@holdfast/lab';
import { base32Encode, type ChkReadCapability, parseCapability, storageIndexOf } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBrowser, startBrowser } from '../testing/browser.js';
import type { RepairsJson } from '../web/repairs-json.js';

describe('repairs that a broker leaves to repairers', () => {
  let lab: Lab;
  let capability: string;
  let storageIndex: string;
  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, repairers: 1, shares: { required: 1, happy: 2, total: 2 } });
    const answer = await fetch(new URL('/uri', lab.broker), { method: 'PUT', body: randomBytes(1_000) });
    capability = (await answer.text()).trim();
    storageIndex = base32Encode(storageIndexOf(parseCapability(capability) as ChkReadCapability));
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  const post = (of: string, query: string) =>
    fetch(new URL(`/uri/${encodeURIComponent(of)}?t=check&${query}`, lab.broker), { method: 'POST' });
  const repairs = async () =>
    (await (await fetch(new URL('/repairs?t=json', lab.broker))).json()) as RepairsJson;

  it('are queued, done, and told of', async () => {
    const answer = await waitFor('a repairer takes it', async () => {
      const response = await post(capability, 'repair=true&queue=true&output=json');
      return response.status === 202 ? response : undefined;
    });
    expect(await answer.json()).toEqual({
      'storage-index': storageIndex,
      'repair-queued': true,
      holdfast: { queue: 'added' },
    });
    const { jobs, recent } = await waitFor('the job is done', async () => {
      const now = await repairs();
      return now.jobs.done === 1 ? now : undefined;
    });
    expect(jobs).toEqual({ queued: 0, claimed: 0, waiting: 0, done: 1, failed: 0 });
    expect(recent).toMatchObject([
      {
        storage_index: storageIndex.slice(0, 8),
        result: 'healthy',
        worker: 'repairer1',
        good_shares: [2, 2],
      },
    ]);
  });

  it('are shown with the files that are under watch', async () => {
    const { grid } = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')) as { grid: string };
    const bus = new Bus({ ...lab.bus, name: 'test', logger: silentLogger() });
    try {
      await waitFor('the bus', () => bus.connected || undefined);
      await bus.ask(watchSubjects(grid).add, { files: [capability] });
    } finally {
      await bus.close();
    }
    await waitFor('it was checked', async () => {
      const { watched } = await repairs();
      return (watched[0]?.spare === 1 && watched[0].files === 1) || undefined;
    });
  });

  it('are told of in words', async () => {
    const page = await (await post(capability, 'repair=true&queue=true')).text();
    expect(page).toContain(`Repair queued for SI=${storageIndex}`);
    expect(page).not.toContain(capability.split(':')[2]);
  });

  it.each([
    ['queue=true', 400, 'queue=true: expected repair=true with it'],
    ['repair=true&queue=perhaps', 400, 'queue'],
  ])('are refused where they make no sense: %s', async (query, status, text) => {
    const response = await post(capability, query);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(text);
  });

  it('are refused for a file that stands in its capability', async () => {
    expect((await post('URI:LIT:nbswy3dp', 'repair=true&queue=true')).status).toBe(400);
  });

  it('are refused while no repairer runs', async () => {
    await lab.stop('repairer1');
    const response = await post(capability, 'repair=true&queue=true');
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('no repairer can be asked: nobody listens');
    expect((await fetch(new URL('/repairs', lab.broker))).status).toBe(503);
    await lab.start('repairer1');
  });

  // Without a browser on this machine there is nothing to see; where CI is set there must be one.
  it.skipIf(findBrowser() === undefined && !process.env['CI'])('are shown to people', async () => {
    await waitFor('a repairer answers', () => repairs().then(({ jobs }) => jobs.done === 1 || undefined));
    const browser = await startBrowser();
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      await page.goto(lab.broker);
      await page.getByRole('link', { name: 'Repairs' }).click();
      await page.getByText('Nothing is left to do now.').waitFor();
      expect(await page.getByRole('row', { name: /^1 1 0$/ }).count()).toBe(1);
      const row = page.getByRole('row', { name: new RegExp(storageIndex.slice(0, 8)) }).first();
      expect(await row.textContent()).toContain('Was healthy');
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
