import type { RepairStatus } from '@holdfast/common/repairs';
import { document, htmlText } from './document.js';
import type { RepairsJson } from './repairs-json.js';

/** A newer repairer may know others. */
const reasons: ReadonlyMap<string | null, string> = new Map([
  ['servers-away', 'too many storage servers are away at once'],
  ['checks-failing', 'too many checks fail at once'],
]);

/** What repairers say of their queue, as the page's JSON. */
export function repairsJson(status: RepairStatus): RepairsJson {
  const { jobs, delayed, postponed, spareShares, watched, lastMinute, alarm, paused, recent } = status;
  return {
    jobs,
    delayed,
    postponed,
    watched,
    spare_shares: spareShares,
    last_minute: lastMinute,
    alarm: alarm && {
      reason: reasons.get(alarm.reason) ?? 'the network is suspected',
      since: Date.parse(alarm.since) / 1000,
    },
    paused: paused && {
      ...paused,
      until: paused.until === null ? null : Date.parse(paused.until) / 1000,
    },
    recent: recent.map(({ storageIndex, result, error, worker, endedAt, milliseconds, outcome }) => ({
      storage_index: storageIndex,
      result,
      error,
      worker,
      ended: Date.parse(endedAt) / 1000,
      seconds: milliseconds / 1000,
      good_shares: outcome && [outcome.goodSharesBefore, outcome.goodSharesAfter],
    })),
  };
}

/**
 * The page of the queue of repairs, whole without a script. The script (`page/repairs-main.tsx`) takes over the part
 * with an id.
 */
export function repairsPage(repairs: RepairsJson): string {
  const { jobs, postponed, watched, spare_shares, alarm, paused, recent } = repairs;
  const body = `<main class="page">
<header>
<h1>Repairs</h1>
<p class="quiet"><a href="/">The gateway</a></p>
</header>

<section class="card" id="repairs" aria-labelledby="repairs-title">
<h2 id="repairs-title">The queue</h2>
<p>${jobs.queued} queued${postponed > 0 ? ` (${postponed} put off, as servers that are away may come back)` : ''}, ${jobs.claimed} being done, ${jobs.done} done, ${jobs.waiting} waiting for servers, ${jobs.failed} failed</p>
${alarm === null ? '' : `<p role="alert">Repairs pause: ${htmlText(alarm.reason)}.</p>`}
${paused === null ? '' : `<p>${htmlText(pauseLine(paused))}</p>`}
<ul class="plain">${watched.map(watchedLine).join('')}</ul>
<ul class="plain">${spare_shares.map(({ spare, files }) => `<li>${files} files in the queue with ${spare} spare shares</li>`).join('')}</ul>
<ul class="plain">${recent.map(recentLine).join('')}</ul>
</section>

<footer class="quiet"><a href="/repairs?t=json">This page as JSON</a></footer>
</main>
<script type="application/json" id="status">${JSON.stringify(repairs).replaceAll('<', '\\u003c')}</script>
<script type="module" src="/page/repairs-main.js"></script>`;
  return document({ title: 'Repairs', body });
}

function pauseLine({ repairer, reason, until }: NonNullable<RepairsJson['paused']>): string {
  const end = until === null ? '' : ` until ${new Date(until * 1000).toISOString()}`;
  return `${repairer} begins no job${end}: ${reason}.`;
}

function watchedLine({ spare, files }: RepairsJson['watched'][number]): string {
  const what = spare === null ? 'whose spare shares are not known yet' : `with ${spare} spare shares`;
  return `<li>${files} files under watch ${what}</li>`;
}

function recentLine({ storage_index, result, error, worker }: RepairsJson['recent'][number]): string {
  const reason = error === null ? '' : `: ${error}`;
  return `<li><code>${htmlText(storage_index)}…</code> ${htmlText(`${result} by ${worker}${reason}`)}</li>`;
}
