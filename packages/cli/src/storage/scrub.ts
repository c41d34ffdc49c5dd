import { withStorageNode } from '../nodes/storage-node.js';

/** How far the scrub of a server is, or was when it last ran, as lines or JSON. */
export function scrubStatus(dir: string, { json }: { readonly json?: true }): Promise<string> {
  return withStorageNode(dir, 'holdfast storage scrub', async ({ database, server, configuration }) => {
    const { ScrubRecords } = await import('@holdfast/storage');
    const round = await new ScrubRecords(database, server).read();
    const { enabled } = configuration.scrub;
    if (json) return `${JSON.stringify({ enabled, ...(round ? { round } : {}) }, undefined, 2)}\n`;
    const state = enabled ? '' : 'The scrub is switched off in node.yaml.\n';
    if (!round) return `${state}No scrub has begun.\n`;
    const { startedAt, finishedAt, progress, shares, bytes, damaged } = round;
    const end = finishedAt ? `finished ${finishedAt.toISOString()}` : `${Math.floor(progress * 100)} % done`;
    return `${state}Begun ${startedAt.toISOString()}, ${end}: ${shares} shares, ${bytes} bytes read, ${damaged} found damaged.\n`;
  });
}
