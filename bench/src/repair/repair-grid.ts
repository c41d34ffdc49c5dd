import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { silentLogger } from '@holdfast/common/logging';
import { repairSubjects } from '@holdfast/common/repairs';
import { type Lab, waitFor } from '@holdfast/lab';
import { parse, stringify } from 'yaml';
import { seconds } from '../timing.js';

/** Storage servers whose shares are taken away, of five. */
export const emptied = 2;

/**
 * Takes all shares from a storage server behind its back. Its buckets are in folders of two letters, which stay: of a server
 * that has stored some thousand files all are there. They are put aside, not removed: for minutes after many files were
 * removed, ext4 without a journal makes each new one slowly, and that is not what is measured. Who has one of them open
 * goes on reading it.
 */
export async function emptyShares(shares: string): Promise<void> {
  const aside = await mkdtemp(join(shares, '..', 'taken-away-'));
  for (const letters of await readdir(shares))
    if (letters.length === 2)
      for (const bucket of await readdir(join(shares, letters)))
        await rename(join(shares, letters, bucket), join(aside, bucket));
}

/** Changes the settings of a lab's repairers, which are started again with them. */
export async function settleRepairers(lab: Lab, change: (settings: object) => object): Promise<void> {
  for (const { nickname, dir } of lab.description.repairers) {
    await lab.stop(nickname);
    await edit(join(dir, 'node.yaml'), change);
    await lab.start(nickname);
  }
}

/** Changes what is in a file of YAML. */
export async function edit(file: string, change: (content: object) => object): Promise<void> {
  const content = (parse(await readFile(file, 'utf8')) ?? {}) as object;
  await writeFile(file, stringify(change(content)));
}

/** A lab's repairers, as they are given work. */
export class Repairers implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #subjects: ReturnType<typeof repairSubjects>;

  private constructor(
    private readonly lab: Lab,
    grid: string,
  ) {
    this.#bus = new Bus({ ...lab.bus, name: 'bench', logger: silentLogger() });
    this.#subjects = repairSubjects(grid);
  }

  static async of(lab: Lab): Promise<Repairers> {
    const { grid } = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')) as { grid: string };
    const repairers = new Repairers(lab, grid);
    await waitFor('a repairer answers', () => repairers.#done().catch(() => undefined), {
      timeoutMs: 60_000,
    });
    return repairers;
  }

  /** Takes the shares from the first servers of the lab. */
  async empty(): Promise<void> {
    for (const { nickname } of this.lab.description.storage.slice(0, emptied))
      await emptyShares(join(this.lab.dir, nickname, 'shares'));
  }

  /**
   * Gives them these files to repair, and resolves to how many seconds that took.
   *
   * @throws Error where one of them was not repaired
   */
  async repair(capabilities: readonly string[]): Promise<number> {
    const repaired = new Set<string>();
    const stop = this.#bus.subscribe(this.#subjects.outcome, ({ storageIndex, result, error }) => {
      if (result !== 'repaired') failure = `a job ended as ${result}: ${error ?? ''}`;
      repaired.add(storageIndex);
    });
    let failure: string | undefined;
    try {
      return await seconds(async () => {
        for (let from = 0; from < capabilities.length; from += 1_000) {
          const files = capabilities.slice(from, from + 1_000);
          const { refused } = await this.#bus.ask(this.#subjects.add, { files, source: 'bench' }, 30_000);
          if (refused.length > 0) throw new Error(refused[0]?.reason);
        }
        const finished = () => repaired.size >= capabilities.length || failure !== undefined || undefined;
        await waitFor('all files are repaired', finished, { timeoutMs: 600_000, everyMs: 10 });
        if (failure) throw new Error(failure);
      });
    } finally {
      stop();
    }
  }

  async #done(): Promise<number> {
    return (await this.#bus.ask(this.#subjects.status, {})).jobs.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bus.close();
  }
}

/** Stores so many files of some bytes of chance, some at a time; gives their capabilities. */
export async function storeFiles(
  put: (content: Uint8Array) => Promise<string>,
  count: number,
  size: number,
): Promise<string[]> {
  const capabilities: string[] = [];
  while (capabilities.length < count) {
    const batch = Math.min(8, count - capabilities.length);
    capabilities.push(...(await Promise.all(Array.from({ length: batch }, () => put(randomBytes(size))))));
  }
  return capabilities;
}
