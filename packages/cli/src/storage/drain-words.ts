import type { DrainProgress, DrainStatus, LeavingServer } from '@holdfast/storage';

/** A server, and if it is leaving how far it is emptied. */
export interface Drain extends Omit<LeavingServer, 'key'>, Pick<DrainStatus, 'progress' | 'problem'> {
  /** Null where it has not looked yet. */
  readonly lookedAt: Date | null;
}

/** Whether all that can be on another server is. */
export function isEmptied({ progress }: Drain): boolean {
  return progress !== null && progress.safeFiles === progress.files;
}

/** Whether nothing more happens by itself for the moment: every file is safe elsewhere, or has failed. */
export function isEnded({ progress }: Drain): boolean {
  return progress !== null && progress.safeFiles + progress.failedFiles === progress.files;
}

/** For people: whether a server is leaving, and what is still to be done before it can be taken away. */
export function drainInWords(drain: Drain): string {
  const { serverId, nickname, leavingSince, progress, problem } = drain;
  const name = nickname === null ? serverId : `${nickname} (${serverId})`;
  if (leavingSince === null) return `${name} stays: it takes new shares.\n`;
  return [
    `${name} is leaving since ${leavingSince.toISOString()}: it takes no new shares, and what it has can be read.`,
    ...(progress
      ? progressLines(progress)
      : ['It has not looked yet how much of what it has is safe elsewhere: while it runs, it soon will.']),
    ...(problem === null ? [] : [`It could not ask repairers the last time: ${problem}.`]),
    ...(isEmptied(drain) && progress?.mutableShares === 0 ? ['The server can be taken away.'] : []),
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
