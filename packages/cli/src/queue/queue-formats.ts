import type { RepairStatus, WatchStatus } from '@holdfast/common/repairs';
import { base32Encode } from '@holdfast/lafs';
import type { QueueStatus } from '@holdfast/repairer';
import { formatTable } from '../table.js';

/** A line that says why repair is paused; nothing where it is not. */
export function formatAlarm(alarm: WatchStatus['alarm']): string {
  if (alarm === null) return '';
  const reason = reasons.get(alarm.reason);
  const because = reason === undefined ? '' : `${reason}; `;
  return `ALARM since ${alarm.since}: ${because}the network is suspected, and repair is paused\n`;
}

/** A newer repairer may know others. */
const reasons: ReadonlyMap<string | null, string> = new Map([
  ['servers-away', 'most servers are away'],
  ['checks-failing', 'most checks fail'],
]);

/** The queue of a grid, the files that it has under watch, and the quiet hours of the repairer that is asked for. */
export type GridStatus = QueueStatus & Pick<RepairStatus, 'watched' | 'paused'>;

/** One line. */
export function statusJson({ recent, ...status }: GridStatus): string {
  return JSON.stringify({
    ...status,
    recent: recent.map(({ storageIndex, ...attempt }) => ({
      storageIndex: base32Encode(storageIndex),
      ...attempt,
    })),
  });
}

function formatPause({ repairer, reason, until }: NonNullable<GridStatus['paused']>): string {
  const end = until === null ? '' : ` until ${until.replace(/\.\d+Z$/, 'Z')}`;
  return `${repairer} begins no job${end}: ${reason}`;
}

/** For people. */
export function formatStatus({
  jobs,
  delayed,
  postponed,
  lastMinute,
  spareShares,
  recent,
  watched,
  paused,
}: GridStatus): string {
  const { queued, claimed, waiting, done, failed } = jobs;
  const pauses = [
    ...(delayed === 0 ? [] : [`${delayed} of them after a pause`]),
    ...(postponed === 0 ? [] : [`${postponed} put off, as servers that are away may come back`]),
  ];
  const pausing = pauses.length === 0 ? '' : ` (${pauses.join(', ')})`;
  // That a job was put off counts as no attempt.
  const { postponed: _, ...attempted } = lastMinute;
  const ended = Object.values(attempted).reduce((sum, count) => sum + count, 0);
  const lines = [
    `${queued} queued${pausing}, ${claimed} being done, ${done} done`,
    `${waiting} waiting for servers that hold their shares, ${failed} failed`,
    `${ended} ${ended === 1 ? 'attempt' : 'attempts'} ended in the last minute`,
    ...(paused === null ? [] : [formatPause(paused)]),
  ];
  const inQueue = new Map<number | null, number>(spareShares.map(({ spare, files }) => [spare, files]));
  const underWatch = new Map(watched.map(({ spare, files }) => [spare, files]));
  const files = [...new Set([...underWatch.keys(), ...inQueue.keys()])]
    .sort((a, b) => (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY))
    .map((spare) => [
      spare === null ? 'not known yet' : String(spare),
      String(underWatch.get(spare) ?? 0),
      String(inQueue.get(spare) ?? 0),
    ]);
  const attempts = recent.map(({ storageIndex, result, error, endedAt, worker }) => [
    endedAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    base32Encode(storageIndex).slice(0, 8),
    result,
    worker,
    error ?? '',
  ]);
  return [
    `${lines.join('\n')}\n`,
    ...(files.length > 0
      ? [`\n${formatTable([['spare shares', 'files under watch', 'in the queue'], ...files])}`]
      : []),
    ...(attempts.length > 0
      ? [`\n${formatTable([['ended', 'file', 'result', 'by', 'reason'], ...attempts])}`]
      : []),
  ].join('');
}
