import type { DrainProgress, DrainStatus, LeavingServer } from '@holdfast/storage';

/** A server, and if it is leaving how far it is emptied. */
export interface Drain extends Omit<LeavingServer, 'key'>, Pick<DrainStatus, 'progress' | 'problem'> {
  /** Null where it has not looked yet. */
  readonly lookedAt: Date | null;
}

/** Whether all that it has is on other servers too. */
export function isEmptied({ progress }: Drain): boolean {
  return progress !== null && progress.safeFiles === progress.files && progress.mutableShares === 0;
}

/** Whether nothing more happens by itself for the moment: every file is safe elsewhere, or has failed. */
export function isEnded({ progress }: Drain): boolean {
  return progress !== null && progress.safeFiles + progress.failedFiles === progress.files;
}

/** A server that runs has looked so soon after it was marked: it is told at once, or sees it within a minute. */
const firstLookWithin = 3 * 60_000;
/** It looks again after ten minutes at most, and a look takes a while where there are millions of shares. */
const nextLookWithin = 30 * 60_000;

/**
 * Why nothing happens though a server is leaving, where it does not look any more; undefined where it does.
 *
 * @param now milliseconds since 1970
 */
export function silenceInWords({ leavingSince, lookedAt }: Drain, now: number): string | undefined {
  if (leavingSince === null) return undefined;
  const late = lookedAt
    ? now - lookedAt.getTime() > nextLookWithin
    : now - leavingSince.getTime() > firstLookWithin;
  if (!late) return undefined;
  const since = lookedAt ? ` since ${lookedAt.toISOString()}` : ', though it was to';
  return `It has not looked${since}: it does not seem to run. Only while it runs it has repairers make its files safe elsewhere.`;
}

/**
 * For people: whether a server is leaving, and what is still to be done before it can be taken away.
 *
 * @param now milliseconds since 1970
 */
export function drainInWords(drain: Drain, now: number): string {
  const silence = silenceInWords(drain, now);
  const { serverId, nickname, leavingSince, progress, problem } = drain;
  const name = nickname === null ? serverId : `${nickname} (${serverId})`;
  if (leavingSince === null) return `${name} stays: it takes new shares.\n`;
  return [
    `${name} is leaving since ${leavingSince.toISOString()}: it takes no new shares, and what it has can be read.`,
    ...(progress ? progressLines(progress) : []),
    ...(progress || silence
      ? []
      : ['It has not looked yet how much of what it has is safe elsewhere: while it runs, it soon will.']),
    ...(silence ? [silence] : []),
    ...(problem === null ? [] : [`It could not ask repairers the last time: ${problem}.`]),
    ...(isEmptied(drain) ? ['The server can be taken away.'] : []),
    '',
  ].join('\n');
}

function progressLines(progress: DrainProgress): string[] {
  const { files, shares, safeFiles, safeShares, failedFiles, waitingFiles, mutableShares } = progress;
  const toCome = files - safeFiles - failedFiles - waitingFiles;
  return [
    files === safeFiles
      ? `All of its ${files} immutable files, in ${shares} shares, are safe elsewhere.`
      : `Of its ${files} immutable files, in ${shares} shares, ${safeFiles} are safe elsewhere, in ${safeShares} shares; ${toCome} are still to be done.`,
    ...(failedFiles > 0 ? [`${failedFiles} could not be made healthy: see \`holdfast queue failed\`.`] : []),
    ...(waitingFiles > 0 ? [`Of ${waitingFiles} too few shares can be read at the moment.`] : []),
    ...(mutableShares > 0
      ? [
          `It has ${mutableShares} mutable shares, which repairers do not move: keep it until their files are.`,
        ]
      : []),
  ];
}
