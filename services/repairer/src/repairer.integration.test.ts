import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepairOutcome } from '@holdfast/common/repairs';
import { waitFor } from '@holdfast/lab';
import { base32Encode, type ChkReadCapability, parseCapability, storageIndexOf } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RepairLab, repairLab, shares } from './testing/repair-lab.js';

const storageIndex = (capability: string) =>
  base32Encode(storageIndexOf(parseCapability(capability) as ChkReadCapability));

describe('repairers', () => {
  let grid: RepairLab;
  const outcomes: RepairOutcome[] = [];
  const stored: string[] = [];
  beforeAll(async () => {
    grid = await repairLab();
    grid.bus.subscribe(grid.subjects.outcome, (outcome) => {
      outcomes.push(outcome);
    });
  });
  afterAll(() => grid?.[Symbol.asyncDispose]());

  const store = async (count: number, size?: number) => {
    const capabilities = await grid.store(count, size);
    stored.push(...capabilities);
    return capabilities;
  };
  const outcomeOf = (capability: string) =>
    waitFor(
      'the outcome',
      () => outcomes.findLast((outcome) => outcome.storageIndex === storageIndex(capability)),
      { timeoutMs: 30_000 },
    );

  it('make whole what lost its shares, and tell what they did', async () => {
    const capabilities = await store(20);
    await grid.emptyServer('s1');
    expect(await grid.bus.ask(grid.subjects.add, { files: capabilities, source: 'a test' })).toEqual({
      added: 20,
      known: 0,
      refused: [],
    });
    for (const capability of capabilities) {
      expect(await outcomeOf(capability)).toMatchObject({
        state: 'done',
        result: 'repaired',
        source: 'a test',
        outcome: { authenticated: true, goodSharesBefore: 4, goodSharesAfter: shares.total, sharesPlaced: 2 },
      });
      expect(await grid.sharesOf(capability)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    }
    for (const { worker } of outcomes) expect(['repairer1', 'repairer2']).toContain(worker);
  });

  it('find what nothing is wrong with to be healthy', async () => {
    const [capability = ''] = await store(1);
    await grid.bus.ask(grid.subjects.add, { files: [capability] });
    expect(await outcomeOf(capability)).toMatchObject({ result: 'healthy', outcome: { sharesPlaced: 0 } });
  });

  it('repair a file of several segments by its storage index alone, and say that nothing vouched for it', async () => {
    const [capability = ''] = await store(1, 3_000_000);
    await grid.emptyServer('s2');
    await grid.bus.ask(grid.subjects.add, { files: [storageIndex(capability)] });
    expect(await outcomeOf(capability)).toMatchObject({
      result: 'repaired',
      outcome: { authenticated: false, goodSharesAfter: shares.total },
    });
  });

  it('take what a file in the spool folder names, and delete it when all of that is repaired', async () => {
    const capabilities = await store(5);
    await grid.emptyServer('s1');
    const [{ dir } = { dir: '' }] = grid.lab.description.repairers;
    const list = join(dir, 'spool', 'list.txt');
    await writeFile(list, `# files of a customer\n${capabilities.join('\n')}\nnonsense\n`);
    const isThere = (file: string) =>
      access(file).then(
        () => true,
        () => false,
      );
    await waitFor('the list is gone', async () => !(await isThere(list)) || undefined, { timeoutMs: 45_000 });
    for (const capability of capabilities) {
      expect(await outcomeOf(capability)).toMatchObject({ result: 'repaired', source: 'spool' });
      expect((await grid.sharesOf(capability)).size).toBe(shares.total);
    }
    expect(await readFile(`${list}.failed`, 'utf8')).toMatch(/^nonsense\s+# malformed capability/m);
  });

  it('refuse by its place what names no file, and take the rest', async () => {
    const [capability = ''] = await store(1);
    const files = ['nonsense', capability, 'URI:LIT:mfrgg', `URI:DIR2:${'a'.repeat(26)}:${'a'.repeat(52)}`];
    const answer = await grid.bus.ask(grid.subjects.add, { files });
    expect(answer).toMatchObject({
      added: 1,
      refused: [
        { position: 0, code: 'malformed' },
        { position: 2, code: 'literal' },
        { position: 3, code: 'unsupported' },
      ],
    });
    expect(JSON.stringify(answer)).not.toContain('nonsense');
    expect(await outcomeOf(capability)).toMatchObject({ result: 'healthy' });
  });

  it('let go of what is in their queue when they are told to', async () => {
    const files = ['a'.repeat(26), 'nonsense'];
    expect(await grid.bus.ask(grid.subjects.remove, { files })).toMatchObject({
      removed: 0,
      absent: 1,
      refused: [{ position: 1, code: 'malformed' }],
    });
  });

  it('take no more than a thousand files in a message', async () => {
    const files = Array.from({ length: 1_001 }, () => 'a'.repeat(26));
    await expect(grid.bus.ask(grid.subjects.add, { files })).rejects.toMatchObject({
      code: 'bus-refused',
      reason: expect.stringContaining('expected array to have <=1000 items'),
    });
  });

  it('keep a file of which too few shares are left, and repair it when its server returns', async () => {
    const [capability = ''] = await store(1);
    // Only the two shares of a server that is away are left; were most servers away, no job would be begun.
    await grid.lab.stop('s1');
    await grid.emptyServer('s2');
    await grid.emptyServer('s3');
    await grid.bus.ask(grid.subjects.add, { files: [capability] });
    expect(await outcomeOf(capability)).toMatchObject({ state: 'waiting', result: 'unrecoverable' });
    expect((await grid.status()).jobs.waiting).toBe(1);
    await grid.lab.start('s1');
    await waitFor('the repair', async () => (await outcomeOf(capability)).state === 'done' || undefined, {
      timeoutMs: 45_000,
    });
    expect((await grid.sharesOf(capability)).size).toBe(shares.total);
  });

  it('show how the queue is doing, also to those who count', async () => {
    const status = await grid.status();
    expect(status.jobs).toMatchObject({ queued: 0, claimed: 0, failed: 0 });
    expect(status).toMatchObject({ spareShares: [], watched: [] });
    const pages = await Promise.all(
      grid.lab
        .status()
        .processes.filter(({ role }) => role === 'repairer')
        .map(async ({ url }) => (await fetch(`http://${url}/metrics`)).text()),
    );
    const attempts = pages.map((page) =>
      /holdfast_repair_attempts_total\{[^}]*"repaired"[^}]*\} (\d+)/.exec(page),
    );
    expect(attempts.reduce((sum, match) => sum + Number(match?.[1] ?? 0), 0)).toBeGreaterThanOrEqual(20);
    expect(pages[0]).toMatch(/holdfast_repair_jobs\{state="done"[^}]*\} \d+/);
  });

  it('say nothing that lets anybody read or check a file', async () => {
    const told = `${JSON.stringify(outcomes)}${JSON.stringify(await grid.status())}${await grid.logs()}`;
    for (const capability of stored) {
      const [, , key = '', hash = ''] = capability.split(':');
      for (const secret of [key, hash]) expect(told).not.toContain(secret);
    }
  });
});
