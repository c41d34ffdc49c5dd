import { formatBytes } from '../format-bytes.js';
import { printable } from '../printable.js';
import type { CheckAnswer, RepairAnswer } from './check.js';

/** A check in lines for people: one that says all, and one for each thing that is not as it should be. */
export function formatCheck({ results }: CheckAnswer): string {
  return lines([counts(results), ...troubles(results)]);
}

/** A repair, likewise: what was done, and how the file is doing now. */
export function formatRepair(answer: RepairAnswer): string {
  const { 'repair-attempted': attempted, 'repair-successful': successful, holdfast } = answer;
  const { results: after } = answer['post-repair-results'];
  if (!attempted) return lines(['No repair necessary.', counts(after), ...troubles(after)]);
  const placed = holdfast?.['shares-placed'] ?? [];
  const traffic = holdfast
    ? `, ${formatBytes(holdfast['bytes-read'])} read, ${formatBytes(holdfast['bytes-written'])} written`
    : '';
  return lines([
    `${successful ? 'Repaired' : 'Not repaired'}: ${placed.length} share(s) placed${traffic}.`,
    ...placed.map(
      ({ share, server, copied }) => `  share ${share} ${copied ? 'copied to' : 'made anew on'} ${server}`,
    ),
    ...(holdfast?.['not-placed'] ?? []).map((reason) => `  ${reason}`),
    `Before: ${counts(answer['pre-repair-results'].results)}`,
    `Now: ${counts(after)}`,
    ...troubles(after),
  ]);
}

function counts(results: CheckAnswer['results']): string {
  const health = results.healthy
    ? 'Healthy'
    : results.recoverable === false
      ? 'Not recoverable'
      : 'Not healthy';
  if (results['count-shares-good'] === undefined) return `${health}: the file is whole in its capability.`;
  return (
    `${health}: ${results['count-shares-good']} of ${results['count-shares-expected']} shares, ` +
    `${results['count-shares-needed']} needed, on ${results['count-good-share-hosts']} servers, ` +
    `happiness ${results['count-happiness']}.`
  );
}

function troubles({ holdfast }: CheckAnswer['results']): string[] {
  if (!holdfast) return [];
  return [
    ...(holdfast.defect === null ? [] : [`  ${holdfast.defect}`]),
    ...holdfast['corrupt-shares'].map(
      ({ share, server, reason }) => `  share ${share} on ${server} is corrupt: ${reason}`,
    ),
    ...holdfast['leaving-shares'].map(
      ({ share, server }) => `  share ${share} is on ${server}, which is leaving`,
    ),
    ...holdfast['servers-failed'].map(({ server, error }) => `  ${server} did not answer: ${error}`),
  ];
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${printable(line)}\n`).join('');
}
