import type { Logger } from '@holdfast/common/logging';
import type { AnnouncementStore } from './announcement-store.js';

const hour = 3_600_000;

/**
 * Forgets, every so often, servers that have announced nothing new for `forgetAfter` milliseconds. The first time is
 * later than a server that is there takes to announce itself, since nothing was heard while the introducer was away.
 *
 * @returns what ends it
 */
export function forgetSilentServers(
  store: Pick<AnnouncementStore, 'forgetSilent'>,
  forgetAfter: number,
  logger: Logger,
): () => Promise<void> {
  let forgetting = Promise.resolve();
  const forget = async () => {
    try {
      const forgotten = await store.forgetSilent(forgetAfter);
      for (const serverId of forgotten)
        logger.info({ serverId }, 'a server was forgotten, which had announced nothing for long');
    } catch (error) {
      logger.warn({ error: (error as Error).message }, 'servers could not be forgotten; trying again later');
    }
  };
  const timer = setInterval(
    () => {
      forgetting = forget();
    },
    Math.min(hour, forgetAfter),
  );
  return () => {
    clearInterval(timer);
    return forgetting;
  };
}
