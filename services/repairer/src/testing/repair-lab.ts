import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { silentLogger } from '@holdfast/common/logging';
import { type RepairStatus, type RepairSubjects, repairSubjects } from '@holdfast/common/repairs';
import { Lab, type LabSize, waitFor } from '@holdfast/lab';
import { bucketFolder, type ChkReadCapability, parseCapability, storageIndexOf } from '@holdfast/lafs';

/** A grid with repairers that do not wait long for anything, and what tests do with it. */
export interface RepairLab extends AsyncDisposable {
  readonly lab: Lab;
  /** As the operator's tools use it. */
  readonly bus: Bus;
  readonly subjects: RepairSubjects;
  /** Stores files of some bytes of chance; gives their capabilities. */
  store(count: number, size?: number): Promise<string[]>;
  /** Different share numbers of a file that lie on the disks of storage servers. */
  sharesOf(capability: string): Promise<Set<number>>;
  /** Takes all shares from a storage server, behind its back. */
  emptyServer(nickname: string): Promise<void>;
  status(): Promise<RepairStatus>;
  /** All that the repairers have logged. */
  logs(): Promise<string>;
}

const quick = 'sweep: 500ms\nclaim: 4s\nretry_after: 500ms\nwatch: { settle: 1s }\n';

export const shares = { required: 2, happy: 3, total: 6 };

/** @param settings lines that are added to the repairers' `node.yaml` */
export async function repairLab(size: LabSize = {}, settings = quick): Promise<RepairLab> {
  const lab = await Lab.up({ storage: 3, repairers: 2, shares, ...size });
  try {
    for (const { nickname, dir } of lab.description.repairers) {
      await lab.stop(nickname);
      const file = join(dir, 'node.yaml');
      const made = await readFile(file, 'utf8');
      await writeFile(file, `${made.replace('stable_for: 10s', 'stable_for: 1s')}${settings}`);
      await lab.start(nickname);
    }
    return await openRepairLab(lab);
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

async function openRepairLab(lab: Lab): Promise<RepairLab> {
  const bus = new Bus({ ...lab.bus, name: 'test', logger: silentLogger() });
  const subjects = repairSubjects(await gridOf(lab));
  const sharesFolder = (nickname: string) => join(lab.dir, nickname, 'shares');
  const status = () => bus.ask(subjects.status, {});
  await waitFor('a repairer answers', () => status().catch(() => undefined));
  return {
    lab,
    bus,
    subjects,
    status,
    store: (count, bytes = 1_000) => store(lab.broker, count, bytes),
    sharesOf: async (capability) => {
      const bucket = bucketFolder(storageIndexOf(parseCapability(capability) as ChkReadCapability));
      const folders = lab.description.storage.map(({ nickname }) => join(sharesFolder(nickname), bucket));
      const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
      return new Set(names.flat().map(Number));
    },
    emptyServer: async (nickname) => {
      const folder = sharesFolder(nickname);
      // Its buckets are in folders of two letters.
      for (const name of await readdir(folder))
        if (name.length === 2) await rm(join(folder, name), { recursive: true, force: true });
    },
    logs: async () => {
      const files = lab.description.repairers.map(({ dir }) => readFile(join(dir, 'node.log'), 'utf8'));
      return (await Promise.all(files)).join('');
    },
    [Symbol.asyncDispose]: async () => {
      await bus.close();
      await lab[Symbol.asyncDispose]();
    },
  };
}

async function gridOf(lab: Lab): Promise<string> {
  const { grid } = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')) as { grid: string };
  return grid;
}

async function store(broker: string, count: number, bytes: number): Promise<string[]> {
  const capabilities: string[] = [];
  const storeNext = async () => {
    for (let left = count - capabilities.length - 1; left >= 0; left = count - capabilities.length - 1) {
      const place = capabilities.push('') - 1;
      const response = await fetch(new URL('/uri', broker), { method: 'PUT', body: randomBytes(bytes) });
      const answer = await response.text();
      if (!response.ok) throw new Error(`the broker answered ${response.status}: ${answer}`);
      capabilities[place] = answer.trim();
    }
  };
  await Promise.all(Array.from({ length: 8 }, storeNext));
  return capabilities;
}
