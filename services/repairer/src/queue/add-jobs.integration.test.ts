import { formatCapability } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import {
  capabilityOf,
  grid,
  postponed,
  proven,
  queueSteps,
  repaired,
  terms,
  unrecoverable,
} from '../testing/queue-steps.js';
import { contradicting, onlyStorageIndex, someVerifyCapability } from '../testing/test-queue.js';
import { type AddTerms, addJobs, mostAdded } from './add-jobs.js';

const steps = queueSteps();
const { add, addFile, claim, claimed, end, stateOf, status } = steps;

describe('asking for a file', () => {
  it('makes one job, however often and under whichever of its names', async () => {
    const file = someVerifyCapability();
    const both = [{ file: onlyStorageIndex(file) }, { file }];
    expect(await add(...both, ...both)).toEqual(['added', 'known', 'known', 'known']);
    expect(await add(...both)).toEqual(['known', 'known']);
    await claimed();
    expect(await addFile(file)).toEqual(['known']);
    expect(await claim()).toBeUndefined();
  });

  it('by its verify capability replaces a bare storage index, and not the other way round', async () => {
    const file = someVerifyCapability();
    await add({ file: onlyStorageIndex(file) });
    await addFile(file);
    await add({ file: onlyStorageIndex(file) });
    const { file: named } = await claimed();
    expect(named.kind !== 'storage-index' && formatCapability(named)).toBe(formatCapability(file));
  });

  it('by its storage index alone is done without anything to prove it', async () => {
    const file = someVerifyCapability();
    await add({ file: onlyStorageIndex(file) });
    expect(await end(await claimed(), repaired)).toBe('done');
    expect(await addFile(file)).toEqual(['added']);
  });

  it('queues a job that was done under a new generation', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    const first = await claimed();
    await end(first, repaired);
    expect(await stateOf(file)).toBe('done');
    expect(await addFile(file)).toEqual(['added']);
    const second = await claimed();
    expect([first.generation, second.generation]).toEqual([1, 2]);
    expect(second.attempt).toBe(1);
  });

  it.each([
    ['in any case', 'by the watch', {}, { onlyIfWorthwhile: true }],
    ['by the watch', 'in any case', { onlyIfWorthwhile: true }, {}],
    ['at once', 'with patience', { now: true }, {}],
    ['with patience', 'at once', {}, { now: true }],
  ])('queues a job that was done %s anew %s, by the new terms', async (_before, _after, first, second) => {
    const file = someVerifyCapability();
    const ask = (asked: Partial<AddTerms>) =>
      addJobs(steps.queue.database, grid, { source: 'test', ...asked }, [{ file }]);
    await ask(first);
    await end(await claimed(), repaired);
    expect(await ask(second)).toEqual(['added']);
    const { onlyIfWorthwhile = false, now = false }: Partial<AddTerms> = second;
    expect(await claimed()).toMatchObject({ generation: 2, onlyIfWorthwhile, patient: !now });
  });

  it('leaves a job as it ended where that is new enough', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    const [{ now } = { now: new Date() }] = await steps.queue.sql<{ now: Date }>('select now()');
    const addUnlessEnded = () =>
      addJobs(steps.queue.database, grid, { source: 'test', unlessEndedSince: now }, [{ file }]);
    expect(await addUnlessEnded()).toEqual(['known']);
    await end(await claimed(), repaired);
    expect(await addUnlessEnded()).toEqual(['known']);
    expect(await stateOf(file)).toBe('done');
    await steps.queue.sql("update repairer.jobs set ended_at = ended_at - interval '1 hour'");
    expect(await addUnlessEnded()).toEqual(['added']);
  });

  it('for nothing new writes nothing', async () => {
    const proof = someVerifyCapability();
    await addFile(proof);
    await end(await claimed(), proven);
    const files = [proof, ...Array.from({ length: 4 }, someVerifyCapability)];
    await add(...files.map((file) => ({ file })));
    await claimed();
    await end(await claimed(), postponed);
    const versions = () => steps.queue.sql('select storage_index, xmin, ctid from repairer.jobs order by 1');
    const before = await versions();
    const again = [...files, contradicting(proof)].map((file) => ({ file }));
    expect(await add(...again)).toEqual([...Array(5).fill('known'), 'contradicts']);
    expect(await add(...files.map((file) => ({ file: onlyStorageIndex(file) })))).toEqual(
      Array(5).fill('known'),
    );
    expect(await versions()).toEqual(before);
  });

  it('under another capability than that which the shares were proven by is refused', async () => {
    const file = someVerifyCapability();
    await addFile(file);
    await end(await claimed(), proven);
    const other = { file: contradicting(file) };
    expect(await add(other, { file: onlyStorageIndex(file) })).toEqual(['contradicts', 'added']);
    expect(capabilityOf(await claimed())).toBe(formatCapability(file));
  });

  it('under a capability that nothing has proven keeps nobody from naming another', async () => {
    const file = someVerifyCapability();
    await addFile(contradicting(file));
    await end(await claimed(), { ...repaired, result: 'healthy' });
    expect(await addFile(file)).toEqual(['added']);
  });

  it.each([unrecoverable, { ...repaired, result: 'healthy' as const }])(
    'under two capabilities tries the second where the first proves nothing: $result',
    async (withoutProof) => {
      const file = someVerifyCapability();
      const wrong = contradicting(file);
      expect(await add({ file: wrong }, { file })).toEqual(['added', 'known']);
      expect(await addFile(contradicting(file))).toEqual(['known']);
      expect(await addFile(file)).toEqual(['known']);
      const first = await claimed();
      expect(capabilityOf(first)).toBe(formatCapability(wrong));
      expect(await end(first, withoutProof)).toBe('queued');
      const second = await claimed();
      expect(capabilityOf(second)).toBe(formatCapability(file));
      expect(await end(second, proven)).toBe('done');
      expect(await addFile(wrong)).toEqual(['contradicts']);
    },
  );

  it('under two capabilities of which none is right does not try them by turns for ever', async () => {
    const file = someVerifyCapability();
    await addFile(contradicting(file));
    await addFile(file);
    for (let attempt = 1; attempt < terms.attempts; attempt++)
      expect(await end(await claimed(), unrecoverable)).toBe('queued');
    expect(await end(await claimed(), unrecoverable)).toBe('waiting');
  });

  it('is no longer refused when what was proven once cannot be read any more', async () => {
    const file = someVerifyCapability();
    await addFile(contradicting(file));
    await end(await claimed(), proven);
    await add({ file: onlyStorageIndex(file) });
    await end(await claimed(), unrecoverable);
    expect(await addFile(file)).toEqual(['added']);
    expect(await end(await claimed(), unrecoverable)).toBe('queued');
    expect(capabilityOf(await claimed())).toBe(formatCapability(file));
  });

  it.each([
    ['every byte', { verify: true }, {}],
    ['its capability', { named: true }, {}],
    ['a repair in any case', {}, { onlyIfWorthwhile: true }],
    ['a repair at once', { now: true }, {}],
  ])(
    'for more while it is worked on is seen to after that: %s',
    async (_, {
      named,
      verify = false,
      now = false,
    }: { named?: boolean; verify?: boolean; now?: boolean }, first) => {
      const file = someVerifyCapability();
      await addJobs(steps.queue.database, grid, { source: 'first', ...first }, [
        { file: onlyStorageIndex(file) },
      ]);
      const job = await claimed();
      await addJobs(steps.queue.database, grid, { source: 'test', now }, [
        { file: named ? file : onlyStorageIndex(file), verify },
      ]);
      expect(await end(job, repaired)).toBe('queued');
      const again = await claimed();
      expect(again).toMatchObject({ verify, onlyIfWorthwhile: false, generation: 2, attempt: 1 });
      expect(await end(again, repaired)).toBe('done');
    },
  );

  it('in any case makes a job of it that was only for what is worthwhile, and not the other way round', async () => {
    const file = someVerifyCapability();
    const watch = { source: 'watch', onlyIfWorthwhile: true };
    await addJobs(steps.queue.database, grid, watch, [{ file }]);
    await add({ file });
    await addJobs(steps.queue.database, grid, watch, [{ file }]);
    expect(await claimed()).toMatchObject({ onlyIfWorthwhile: false, source: 'test' });
  });

  it('in any case does not make do with what was not worthwhile', async () => {
    const file = someVerifyCapability();
    const unlessEndedSince = new Date(0);
    const addFrom = (source: string, onlyIfWorthwhile: boolean) =>
      addJobs(steps.queue.database, grid, { source, onlyIfWorthwhile, unlessEndedSince }, [{ file }]);
    await addFrom('watch', true);
    expect(await end(await claimed(), { ...repaired, result: 'not-worthwhile' })).toBe('done');
    expect(await addFrom('watch', true)).toEqual(['known']);
    expect(await addFrom('spool', false)).toEqual(['added']);
    expect(await end(await claimed(), repaired)).toBe('done');
    expect(await addFrom('spool', false)).toEqual(['known']);
  });

  it('again is as urgent as the file was found to be', async () => {
    const [urgent, unknown] = [someVerifyCapability(), someVerifyCapability()];
    await addFile(urgent);
    await end(await claimed(), { ...repaired, spareShares: 0 });
    await addFile(unknown);
    await addFile(urgent);
    expect(capabilityOf(await claimed())).toBe(formatCapability(urgent));
  });

  it('is refused for more than a thousand at a time', async () => {
    const files = Array.from({ length: mostAdded + 1 }, () => ({ file: someVerifyCapability() }));
    await expect(add(...files)).rejects.toThrow(RangeError);
    expect(await add(...files.slice(1))).toEqual(Array(mostAdded).fill('added'));
  });

  it('by many at once who name the same files makes one job of each', async () => {
    const files = Array.from({ length: 50 }, () => ({ file: someVerifyCapability() }));
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, turn) => add(...(turn % 2 ? files : files.toReversed()))),
    );
    expect(results.flat().filter((result) => result === 'added')).toHaveLength(50);
    expect((await status()).jobs.queued).toBe(50);
  });
});
