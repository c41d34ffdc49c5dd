import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../files/temporary-folder.js';
import { becomeSupervisor, readSupervisorNote } from './supervisor-note.js';

it('one of many takes the place of a supervisor that died, and the others are told', async () => {
  await using folder = await temporaryFolder('supervisor');
  const live = createServer((_request, response) => response.end('{}'));
  await once(live.listen(0, '127.0.0.1'), 'listening');
  try {
    const url = `http://127.0.0.1:${(live.address() as AddressInfo).port}`;
    await becomeSupervisor(folder.path, { pid: 1, url: 'http://127.0.0.1:1', token: 'dead' });
    const candidates = Array.from({ length: 8 }, (_, index) => ({
      pid: 10 + index,
      url,
      token: `t${index}`,
    }));
    const results = await Promise.allSettled(
      candidates.map((note) => becomeSupervisor(folder.path, note).then(() => note)),
    );
    const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(winners).toHaveLength(1);
    expect(await readSupervisorNote(folder.path)).toEqual(winners[0]);
    const refusals = results.filter(({ status }) => status === 'rejected');
    for (const refusal of refusals) expect(refusal).toMatchObject({ reason: { code: 'running-already' } });
  } finally {
    live.close();
    live.closeAllConnections();
  }
});
