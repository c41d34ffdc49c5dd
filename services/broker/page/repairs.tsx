import { useEffect, useState } from 'preact/hooks';
import type { RecentRepairJson, RepairsJson } from '../src/web/repairs-json.js';
import { lookAgain } from '../src/web/repeated-look.js';
import { workLeft } from '../src/web/work-left.js';
import { formatDuration } from './format.js';

const lookEvery = 2000;
/** Of a connection that is gone nobody hears. */
const longestLook = 60_000;

const results: Readonly<Record<string, string>> = {
  healthy: 'Was healthy',
  repaired: 'Repaired',
  'not-worthwhile': 'Can wait',
  postponed: 'Put off',
  unrecoverable: 'Too few shares',
  failed: 'Failed',
  lost: 'Worker lost',
};

/** The queue of repairs, looked at again every two seconds while the page is seen. */
export function Repairs({ initial }: { initial: RepairsJson }) {
  const [repairs, setRepairs] = useState(initial);
  const [heard, setHeard] = useState(true);
  useEffect(() => {
    const look = async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch('/repairs?t=json', { signal: AbortSignal.timeout(longestLook) });
        if (answer.ok) setRepairs((await answer.json()) as RepairsJson);
        setHeard(answer.ok);
      } catch {
        setHeard(false);
      }
    };
    return lookAgain(lookEvery, look);
  }, []);

  return (
    <>
      <h2 id="repairs-title">The queue</h2>
      <p role="status">
        {heard ? summary(repairs) : 'No repairer answers; what follows is what was said last.'}
      </p>
      {repairs.alarm && (
        <p role="alert">
          Repairs pause: {repairs.alarm.reason}, for {formatDuration(Date.now() / 1000 - repairs.alarm.since)}
          . That looks like the network, and not like lost servers.
        </p>
      )}
      {repairs.paused && (
        <p>
          {repairs.paused.repairer} begins no job
          {repairs.paused.until !== null &&
            ` until ${new Date(repairs.paused.until * 1000).toLocaleString()}`}
          : {repairs.paused.reason}.
        </p>
      )}
      <SpareShares watched={repairs.watched} queued={repairs.spare_shares} />
      {repairs.recent.length > 0 && <Recent attempts={repairs.recent} />}
    </>
  );
}

function summary(repairs: RepairsJson): string {
  const { jobs, delayed, postponed } = repairs;
  const { left, ended, seconds } = workLeft(repairs);
  return [
    left === 0
      ? 'Nothing is left to do now.'
      : `${counted(left, 'job is', 'jobs are')} left, of which ${counted(jobs.claimed, 'is', 'are')} being done.`,
    delayed > 0 ? `${counted(delayed, 'is', 'are')} tried again after a pause.` : '',
    postponed > 0
      ? `${counted(postponed, 'is', 'are')} put off, as servers that are away may come back.`
      : '',
    `${counted(ended, 'attempt', 'attempts')} ended in the last minute${ended === 0 ? '' : `, ${(ended / 60).toFixed(1)} a second`}.`,
    seconds === undefined ? '' : `At that rate the rest takes ${formatDuration(seconds)}.`,
    `${counted(jobs.done, 'is', 'are')} done.`,
    jobs.waiting > 0 ? `${counted(jobs.waiting, 'waits', 'wait')} for servers that hold the shares.` : '',
    jobs.failed > 0 ? `${counted(jobs.failed, 'has', 'have')} failed.` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

/** A number, and what stands behind it where it is one, and where it is not. */
function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A bar for each number of shares that can still be lost, as long as there are files under watch with so many. */
function SpareShares({
  watched,
  queued,
}: {
  watched: RepairsJson['watched'];
  queued: RepairsJson['spare_shares'];
}) {
  const inQueue = new Map<number | null, number>(queued.map(({ spare, files }) => [spare, files]));
  const underWatch = new Map(watched.map(({ spare, files }) => [spare, files]));
  const spares = [...new Set([...underWatch.keys(), ...inQueue.keys()])].sort(
    (a, b) => (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY),
  );
  if (spares.length === 0) return null;
  const most = Math.max(1, ...underWatch.values());
  return (
    <table class="chart">
      <caption>Files by spare shares: how many can still be lost, as the last check found</caption>
      <thead>
        <tr>
          <th scope="col">Spare</th>
          <th scope="col">Under watch</th>
          <th scope="col">In the queue</th>
        </tr>
      </thead>
      <tbody>
        {spares.map((spare) => (
          <tr key={spare}>
            <th scope="row">{spareText(spare)}</th>
            <td data-label="Under watch">
              <svg
                class={`bar ${spare === null ? 'enough' : urgency(spare)}`}
                viewBox="0 0 100 10"
                preserveAspectRatio="none"
                aria-hidden="true"
              >
                <rect width={(100 * (underWatch.get(spare) ?? 0)) / most} height="10" />
              </svg>{' '}
              {underWatch.get(spare) ?? 0}
            </td>
            <td data-label="In the queue">{inQueue.get(spare) ?? 0}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function spareText(spare: number | null): string {
  if (spare === null) return 'not known yet';
  return spare < 0 ? `${spare} (cannot be read)` : String(spare);
}

function urgency(spare: number): string {
  if (spare <= 0) return 'none';
  return spare <= 2 ? 'few' : 'enough';
}

function Recent({ attempts }: { attempts: readonly RecentRepairJson[] }) {
  return (
    <table>
      <caption>Lately</caption>
      <thead>
        <tr>
          <th scope="col">File</th>
          <th scope="col">Result</th>
          <th scope="col">Good shares</th>
          <th scope="col">By</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map((attempt) => (
          <RecentRow key={`${attempt.storage_index} ${attempt.ended}`} attempt={attempt} />
        ))}
      </tbody>
    </table>
  );
}

function RecentRow({ attempt }: { attempt: RecentRepairJson }) {
  const { storage_index, result, error, worker, ended, seconds, good_shares } = attempt;
  return (
    <tr>
      <th scope="row">
        <code>{storage_index}…</code>
      </th>
      <td data-label="Result">
        {results[result] ?? result} <span class="quiet">{formatDuration(Date.now() / 1000 - ended)} ago</span>
        {error !== null && <div class="quiet">{error}</div>}
      </td>
      <td data-label="Good shares">{good_shares === null ? '–' : good_shares.join(' → ')}</td>
      <td data-label="By">{worker}</td>
      <td data-label="Took">
        {seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`}
      </td>
    </tr>
  );
}
