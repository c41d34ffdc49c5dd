import { join } from 'node:path';
import { EarlyExitError, type GuardedProcess, startGuarded } from '../processes/guarded-process.js';
import { withQuickCopies } from '../processes/quick-copies.js';
import { untilReady } from '../processes/until-ready.js';
import { freePort, isFree, saysPortTaken } from '../servers/free-port.js';
import { moveAddress } from './addresses.js';
import type { PlannedNode } from './plan.js';
import { holdfastProgram } from './program.js';

/** The file in a node's folder that its output is added to. */
export const nodeLog = 'node.log';

/**
 * Starts a node as a process of its own and waits until it says that it can serve. A port that another took
 * meanwhile is given up for a free one, in `node` and in its `node.yaml`.
 *
 * @throws EarlyExitError with the node's last words, DeadlineError
 */
export async function startNodeProcess(folder: string, node: PlannedNode): Promise<GuardedProcess> {
  for (let attempt = 1; ; attempt++) {
    await leaveTakenPorts(folder, node);
    const started = await startGuarded({
      name: node.nickname,
      command: process.execPath,
      args: [holdfastProgram, 'run', folder],
      log: join(folder, nodeLog),
      stopSignal: 'SIGTERM',
      env: withQuickCopies(process.env),
    });
    try {
      await untilReady(node.nickname, started, () => isReady(node.operatorPort));
      return started;
    } catch (error) {
      await started.kill();
      if (!(error instanceof EarlyExitError && saysPortTaken(error.output) && attempt < 5)) throw error;
    }
  }
}

async function leaveTakenPorts(folder: string, node: PlannedNode): Promise<void> {
  for (const key of ['operatorPort', 'listenPort'] as const) {
    const taken = node[key];
    if (taken === undefined || (await isFree(taken))) continue;
    node[key] = await freePort();
    await moveAddress(folder, taken, node[key]);
  }
}

async function isReady(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5_000) });
  const answer = await response.text();
  if (response.status !== 200) throw new Error(answer.trim());
}
