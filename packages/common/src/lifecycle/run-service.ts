import type { Logger } from '../logging/index.js';
import { Lifecycle } from './lifecycle.js';

/**
 * Runs a service in the foreground: `start` builds its parts, adding each to the lifecycle; SIGTERM or SIGINT stops
 * them in reverse. Resolves once all has stopped; the process can then exit 0.
 *
 * @throws what `start` threw, after stopping what had been started
 */
export async function runService(
  logger: Logger,
  start: (lifecycle: Lifecycle) => Promise<void>,
): Promise<void> {
  const lifecycle = new Lifecycle(logger);
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve(signal);
        // Ends waits inside `start` too: a node may be stopped while its database is still not there.
        void lifecycle.stop();
      });
    }
  });
  // A bug in one request's code must not be hidden, and must not take the others' requests down with it.
  process.on('unhandledRejection', (reason) =>
    logger.error({ error: describe(reason) }, 'unhandled rejection'),
  );
  try {
    await start(lifecycle);
  } catch (error) {
    const stopped = lifecycle.stopping;
    await lifecycle.stop();
    if (stopped) return;
    throw error;
  }
  if (!lifecycle.stopping) logger.info('ready');
  const signal = await asked;
  logger.info({ signal }, 'stopping');
  await lifecycle.stop();
  logger.info('stopped');
}

function describe(reason: unknown): string {
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
}
