import type { CheckResults, RepairResults, ShareLocation } from '@holdfast/grid';
import { isLiteral, storageIndexText, summaryOf } from './check-json.js';
import { document, htmlText } from './document.js';
import type { Nicknames } from './nicknames.js';

/** What a browser is shown after a check. */
export function checkPage(results: CheckResults, nicknameOf: Nicknames): string {
  const body = isLiteral(results)
    ? '<p>Healthy: the file is whole in its capability; no server holds anything of it.</p>'
    : card(`The file is ${results.healthy ? 'healthy' : 'not healthy'}`, results, nicknameOf);
  return page('Check results', results, body);
}

/** What a browser is shown after a repair. */
export function repairPage(results: RepairResults, nicknameOf: Nicknames): string {
  const { before, after, attempted, successful, sharesPlaced, reasons } = results;
  if (!attempted) {
    const body = `<p>No repair necessary</p>${card('As it is', after, nicknameOf)}`;
    return page('Check and repair results', before, body);
  }
  const placed = sharesPlaced.map(
    ({ shareNumber, serverId, copied }) =>
      `share ${shareNumber} ${copied ? 'copied to' : 'made anew on'} ${nicknameOf(serverId)}`,
  );
  const body = `<p>${successful ? 'Repair successful' : 'Repair unsuccessful'}</p>
${list([...placed, ...reasons])}
${card('After the repair', after, nicknameOf)}
${card('Before it', before, nicknameOf)}`;
  return page('Check and repair results', before, body);
}

function page(title: string, results: CheckResults, body: string): string {
  const of = isLiteral(results) ? '' : ` for SI=${storageIndexText(results)}`;
  return document({
    title,
    body: `<main class="page">
<h1>${title}${of}</h1>
${body}
<p><a href="/">Back to the welcome page</a></p>
</main>`,
  });
}

function card(title: string, results: CheckResults, nicknameOf: Nicknames): string {
  const place = ({ shareNumber, serverId }: ShareLocation) =>
    `share ${shareNumber} on ${nicknameOf(serverId)}`;
  const { needed, expected, goodShareCount, happiness, goodShareHosts } = results;
  const corrupt = results.corruptShares.map((share) => `corrupt: ${place(share)}: ${share.reason}`);
  const leaving = results.leavingShares.map((share) => `on a server that is leaving: ${place(share)}`);
  const failed = results.serversFailed.map(
    ({ serverId, error }) => `no answer: ${nicknameOf(serverId)}: ${error}`,
  );
  const counts = [
    `Share counts: need ${needed}-of-${expected}, have ${goodShareCount}`,
    `Happiness level: ${happiness}`,
    `Hosts with good shares: ${goodShareHosts}`,
    `Corrupt shares: ${corrupt.length === 0 ? 'none' : corrupt.length}`,
  ];
  return `<section class="card">
<h2>${htmlText(title)}</h2>
<p>${htmlText(summaryOf(results))}</p>
${list([...counts, ...(results.defect === undefined ? [] : [results.defect]), ...corrupt, ...leaving, ...failed])}
<table>
<thead><tr><th>Share</th><th>Server</th><th>Id</th></tr></thead>
<tbody>
${results.goodShares
  .map(
    ({ shareNumber, serverId }) =>
      `<tr><td>${shareNumber}</td><td>${htmlText(nicknameOf(serverId))}</td><td><code>${htmlText(serverId)}</code></td></tr>`,
  )
  .join('\n')}
</tbody>
</table>
</section>`;
}

function list(lines: readonly string[]): string {
  return lines.length === 0
    ? ''
    : `<ul>\n${lines.map((line) => `<li>${htmlText(line)}</li>`).join('\n')}\n</ul>`;
}
