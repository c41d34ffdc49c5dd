import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@holdfast/common/database';
import { DrainRecords, findServer, setLeaving } from '@holdfast/storage';
import { withStorageNode } from '../nodes/storage-node.js';
import { tellServers } from '../nodes/tell-servers.js';
import { showCounting } from './counting-bar.js';
import { requireCurrentRecords } from './current-records.js';
import { type Drain, drainInWords, isEmptied, isEnded, silenceInWords } from './drain-words.js';

const lookEvery = 1_000;
const commandName = 'holdfast storage drain';

/** How a drain is asked for. */
export interface DrainOptions {
  /** The folder of any storage server of the database, or of a lab. */
  readonly dir: string;
  readonly json?: true;
}

/** What a drain was watched for is not wholly done, and no more of it is by itself. */
export class NotEmptiedError extends Error {
  override readonly name = 'NotEmptiedError';
  readonly code = 'not-emptied';

  constructor(readonly drain: Drain) {
    super(whyNotEmptied(drain));
  }
}

function whyNotEmptied({ leavingSince, progress, nickname, serverId }: Drain): string {
  const name = nickname ?? serverId;
  if (leavingSince === null) return `${name} is not leaving: it takes new shares`;
  const { failedFiles = 0, mutableShares = 0 } = progress ?? {};
  return failedFiles > 0
    ? `${failedFiles} files of ${name} could not be made healthy elsewhere`
    : `${name} has ${mutableShares} mutable shares, which repairers do not move: it cannot be taken away yet`;
}

/**
 * Marks a storage server as leaving, or with `cancel` as staying after all, and tells it.
 *
 * @param named its id, or its nickname
 * @returns what to print: also how far it is emptied
 * @throws NoSuchServerError, ConfigurationError, NotStorageError, RecordsNotCurrentError, or Postgres' own error
 */
export function markDrain(
  named: string,
  { dir, json, cancel = false }: DrainOptions & { readonly cancel?: boolean },
): Promise<string> {
  return withStorageNode(dir, commandName, async (node) => {
    // What is changed in records that are too old is lost when they are recovered.
    await requireCurrentRecords(node);
    const { key } = await findServer(node.database, named);
    await setLeaving(node.database, key, !cancel);
    await tellServers(node);
    return shown(await readDrain(node.database, named), json);
  });
}

/**
 * How far a leaving server is emptied. Changes nothing.
 *
 * @returns what to print
 * @throws as `markDrain`
 */
export function drainStatus(named: string, { dir, json }: DrainOptions): Promise<string> {
  return withStorageNode(dir, commandName, async ({ database }) =>
    shown(await readDrain(database, named), json),
  );
}

/**
 * Waits until a leaving server is emptied, as far as it can be, with a bar on a terminal. Where the server does not seem
 * to run, standard error says so.
 *
 * @returns what to print
 * @throws NotEmptiedError where no more is done by itself, as files have failed, only mutable shares are left, or the server
 *   is to stay; and as `markDrain`
 */
export function watchDrain(named: string, { dir, json }: DrainOptions): Promise<string> {
  return withStorageNode(dir, commandName, async ({ database }) => {
    const bar = showCounting('emptying');
    let silence: string | undefined;
    try {
      for (;;) {
        const drain = await readDrain(database, named);
        const { leavingSince, progress } = drain;
        if (isEmptied(drain)) return shown(drain, json);
        if (leavingSince === null || isEnded(drain)) throw new NotEmptiedError(drain);
        const before = silence;
        silence = silenceInWords(drain, Date.now());
        if (silence && !before) process.stderr.write(`${silence}\n`);
        if (progress) bar.show(progress.safeShares / Math.max(1, progress.shares), progress.safeShares);
        await delay(lookEvery);
      }
    } finally {
      bar.end();
    }
  });
}

async function readDrain(database: Database, named: string): Promise<Drain> {
  const { key, ...server } = await findServer(database, named);
  const status = server.leavingSince === null ? undefined : await new DrainRecords(database, key).read();
  return { ...server, ...(status ?? { lookedAt: null, progress: null, problem: null }) };
}

function shown(drain: Drain, json: true | undefined): string {
  return json
    ? `${JSON.stringify({ ...drain, emptied: isEmptied(drain) })}\n`
    : drainInWords(drain, Date.now());
}
