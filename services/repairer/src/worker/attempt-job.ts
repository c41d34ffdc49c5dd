import { OverloadedError } from '@holdfast/common/capacity';
import { type Logger, redact } from '@holdfast/common/logging';
import {
  type CheckResults,
  type FileCare,
  NotEnoughMemoryError,
  NotEnoughServersError,
  NotRecoverableError,
  type Pace,
  type RepairResults,
  StorageServerError,
  WrongFileError,
} from '@holdfast/grid';
import { base32Encode } from '@holdfast/lafs';
import type { AttemptEnd } from '../queue/end-claim.js';
import type { ClaimedJob, JobOutcome } from '../queue/job.js';

/** Most milliseconds after which a file is looked at again whose shares may be back soon. */
const longestSoon = 15 * 60_000;

/** What attempts at jobs need. */
export interface AttemptOptions {
  readonly files: Pick<FileCare, 'check' | 'repair'>;
  readonly logger: Logger;
  /** Resolves when so many more bytes may be moved. */
  readonly pace?: Pace | undefined;
  /** Whether too few shares may be enough soon, where that was found since a time, in milliseconds since 1970. */
  readonly mayChangeSoon: (since: number, found: CheckResults) => boolean;
  /** Milliseconds after which a file with too few shares is looked at again then, at least. */
  readonly soon: number;
  /** By what a check finds, whether the file of a job is to be repaired; undefined where it is, whatever is found. */
  readonly worthwhile: (job: ClaimedJob) => ((results: CheckResults) => Promise<boolean>) | undefined;
  /** By what is found, whether the repair of a job is put off; undefined where it is not, whatever is found. */
  readonly patience: (job: ClaimedJob) => ((results: CheckResults) => Promise<boolean>) | undefined;
  /** Told what was found before a repair. */
  readonly onChecked: (results: CheckResults) => void;
}

/**
 * Checks the file of a job, and repairs it where it needs it.
 *
 * @returns how that ended; what went wrong is in it
 * @throws the signal's reason, and nothing else
 */
export async function attemptJob(
  job: ClaimedJob,
  signal: AbortSignal,
  { files, logger, pace, mayChangeSoon, soon, worthwhile, patience, onChecked }: AttemptOptions,
): Promise<AttemptEnd> {
  const { file, verify } = job;
  const began = Date.now();
  try {
    const isWorthwhile = worthwhile(job);
    const checked = isWorthwhile && (await files.check(file, { verify, pace, signal }));
    if (checked && !(await isWorthwhile(checked))) {
      onChecked(checked);
      return { result: checked.healthy ? 'healthy' : 'not-worthwhile', ...foundBy(checked) };
    }
    const putOff = patience(job);
    // What is put off should not have every byte read each time.
    const first = verify && putOff && (await files.check(file, { pace, signal }));
    if (first && (await putOff(first))) {
      onChecked(first);
      return postponed(first);
    }
    // Nor is it asked again after that: what verification found to be wrong does not come back.
    const results = await files.repair(file, {
      verify,
      checked,
      putOff: first ? undefined : putOff,
      pace,
      signal,
    });
    onChecked(results.before);
    return results.putOff ? postponed(results.before) : repairEnd(results);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof NotRecoverableError) {
      onChecked(error.results);
      // As little as others that wait (`wakeWaiting`): a server may never answer, and not be found to be away.
      const lookAgainAfter = Math.max(soon, Math.min(job.queuedFor / 16, longestSoon));
      return { ...unrecoverable(error), ...(mayChangeSoon(began, error.results) ? { lookAgainAfter } : {}) };
    }
    return { result: 'failed', error: reasonOf(error, file.storageIndex, logger) };
  }
}

function repairEnd(results: RepairResults): AttemptEnd {
  const { before, after, attempted, sharesPlaced, reasons, bytesRead, bytesWritten } = results;
  const outcome: JobOutcome = {
    ...checkOutcome(before),
    goodSharesAfter: after.goodShareCount,
    sharesPlaced: sharesPlaced.length,
    bytesRead,
    bytesWritten,
  };
  const found = { proven: before.proven, outcome, ...spareOf(after) };
  if (after.healthy) return { result: attempted ? 'repaired' : 'healthy', ...found };
  const good = `${after.goodShareCount} of ${after.expected ?? 'an unknown number of'} shares are good after the repair`;
  const noTaker = sharesPlaced.length === 0 && reasons.length === 0 ? ['no server takes another'] : [];
  return { result: 'failed', error: oneLine([good, ...reasons, ...noTaker].join('; ')), ...found };
}

function postponed(found: CheckResults): AttemptEnd {
  const away = found.serversFailed.length;
  const error = `${away} known ${away === 1 ? 'server' : 'servers'} could not be asked, and may come back`;
  return { result: 'postponed', error, ...foundBy(found) };
}

function unrecoverable({ message, results }: NotRecoverableError): AttemptEnd {
  const away = results.serversFailed.length;
  const error = away === 0 ? message : `${message}; ${away} known servers could not be asked`;
  return {
    result: 'unrecoverable',
    error: oneLine(error),
    ...foundBy(results),
  };
}

function foundBy(checked: CheckResults): Pick<AttemptEnd, 'proven' | 'outcome' | 'spareShares'> {
  return { proven: checked.proven, outcome: checkOutcome(checked), ...spareOf(checked) };
}

function checkOutcome(checked: CheckResults): JobOutcome {
  return {
    authenticated: checked.authenticated,
    needed: checked.needed ?? null,
    expected: checked.expected ?? null,
    goodSharesBefore: checked.goodShareCount,
    goodSharesAfter: checked.goodShareCount,
    corruptShares: checked.corruptShares.length,
    sharesPlaced: 0,
    bytesRead: 0,
    bytesWritten: 0,
  };
}

function spareOf({ goodShareCount, needed }: CheckResults): { spareShares?: number } {
  return needed === undefined ? {} : { spareShares: goodShareCount - needed };
}

const expected = [
  StorageServerError,
  NotEnoughServersError,
  NotEnoughMemoryError,
  WrongFileError,
  OverloadedError,
];

function reasonOf(error: unknown, storageIndex: Uint8Array, logger: Logger): string {
  if (expected.some((kind) => error instanceof kind)) return oneLine((error as Error).message);
  const { stack, message } = error as Error;
  logger.error(
    { storageIndex: base32Encode(storageIndex), error: stack ?? message },
    'a job failed unexpectedly',
  );
  return 'internal error';
}

const longestReason = 1_000;

function oneLine(text: string): string {
  return redact(text.replaceAll(/\s+/g, ' ')).slice(0, longestReason);
}
