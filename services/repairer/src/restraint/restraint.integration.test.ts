import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@holdfast/lab';
import { expect, it } from 'vitest';
import { type RepairLab, repairLab, shares } from '../testing/repair-lab.js';

const deadline = { timeoutMs: 150_000 };
const quick = 'sweep: 500ms\nclaim: 4s\nretry_after: 500ms\n';

const allDone = (grid: RepairLab, files: number) =>
  waitFor('all jobs are done', async () => (await grid.status()).jobs.done === files || undefined, deadline);

const timeOf = (date: Date) =>
  `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;

it('in quiet hours a repairer repairs nothing, says until when, and goes on afterwards', async () => {
  const hour = 3_600_000;
  const end = new Date(Math.floor((Date.now() + 2 * hour) / 60_000) * 60_000);
  const quiet = `quiet_hours: [{ from: "${timeOf(new Date(Date.now() - hour))}", to: "${timeOf(end)}" }]\n`;
  await using grid = await repairLab({ repairers: 1 }, quick + quiet);
  const files = await grid.store(3);
  await grid.emptyServer('s1');
  await grid.bus.ask(grid.subjects.add, { files });
  await waitFor('it pauses', async () => {
    const { paused } = await grid.status();
    return paused?.reason === 'quiet hours' && Date.parse(paused.until ?? '') === end.getTime()
      ? paused
      : undefined;
  });
  // Long enough for the queue to be looked at some times.
  await delay(3_000);
  expect(await grid.status()).toMatchObject({
    jobs: { queued: 3, claimed: 0, done: 0 },
    recent: [],
    paused: { repairer: 'repairer1' },
  });

  const [{ dir, nickname } = { dir: '', nickname: '' }] = grid.lab.description.repairers;
  await grid.lab.stop(nickname);
  const yaml = await readFile(join(dir, 'node.yaml'), 'utf8');
  await writeFile(join(dir, 'node.yaml'), yaml.replace(quiet, ''));
  await grid.lab.start(nickname);
  await waitFor('it answers', () => grid.status().catch(() => undefined), deadline);
  await allDone(grid, 3);
  expect((await grid.status()).paused).toBeNull();
}, 300_000);

it('with a limit a repairer never moves more bytes than its rate and a burst of one second allow', async () => {
  const rate = 400_000;
  await using grid = await repairLab({ repairers: 1 }, quick);
  const files = await grid.store(6, 300_000);
  const [{ dir, nickname } = { dir: '', nickname: '' }] = grid.lab.description.repairers;
  await grid.lab.stop(nickname);
  const yaml = await readFile(join(dir, 'node.yaml'), 'utf8');
  await writeFile(join(dir, 'node.yaml'), yaml.replace('limits:', 'limits:\n  bandwidth: 400kB'));
  await grid.emptyServer('s1');
  await grid.lab.start(nickname);
  await waitFor('it answers', () => grid.status().catch(() => undefined), deadline);
  const began = performance.now();
  await grid.bus.ask(grid.subjects.add, { files });
  /** What it has counted, and by when. */
  const moved = async () => {
    const url = grid.lab.status().processes.find((process) => process.nickname === nickname)?.url;
    const page = await (await fetch(`http://${url}/metrics`)).text();
    const counted = [...page.matchAll(/^holdfast_repair_bytes_total\{[^}]*\} (\d+)/gm)];
    const bytes = counted.reduce((sum, [, count]) => sum + Number(count), 0);
    return { bytes, seconds: (performance.now() - began) / 1_000 };
  };
  for (let done = 0; done < files.length; done = (await grid.status()).jobs.done) {
    const { bytes, seconds } = await moved();
    expect(bytes).toBeLessThanOrEqual(rate * (seconds + 1));
    await delay(200);
  }
  const { bytes, seconds } = await moved();
  expect(bytes).toBeLessThanOrEqual(rate * (seconds + 1));
  // There was something to limit: what was moved is far more than a burst.
  expect(bytes).toBeGreaterThan(3 * rate);
  for (const file of files) expect((await grid.sharesOf(file)).size).toBe(shares.total);
}, 300_000);
