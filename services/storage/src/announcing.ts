import { Announcer, buildStorageAnnouncement } from '@holdfast/common/announcements';
import type { Bus } from '@holdfast/common/bus';
import type { GridManagerCertificate } from '@holdfast/common/grid-management';
import type { Identity } from '@holdfast/common/identity';
import type { Logger } from '@holdfast/common/logging';
import type { StorageConfiguration } from './configuration.js';
import type { Leaving } from './leaving/leaving.js';

/** What announcing this server needs. */
export interface AnnouncingOptions {
  readonly configuration: StorageConfiguration;
  readonly identity: Identity;
  /** The anonymous account's credential. */
  readonly credential: string;
  /** What grid managers say of it now. */
  readonly certificates: () => Promise<readonly GridManagerCertificate[]>;
  readonly leaving: Pick<Leaving, 'now'>;
  readonly release: string;
  /** The bus of each introducer, by name. */
  readonly introducers: ReadonlyMap<string, Bus>;
  readonly logger: Logger;
}

/**
 * Keeps telling the introducers where this server is, for as long as it lets in whoever comes with what it announces.
 * Serving does not wait for it.
 */
export class Announcing {
  readonly #announcer: Announcer;
  readonly #logger: Logger;
  readonly #leaving: Pick<Leaving, 'now'>;
  #saidLeaving = false;
  #stop: (() => Promise<void>) | undefined;
  #ending: Promise<void> = Promise.resolve();

  constructor(options: AnnouncingOptions) {
    const { configuration, identity, credential, certificates, leaving, release, introducers, logger } =
      options;
    const { grid, nickname, locations } = configuration;
    this.#logger = logger;
    this.#leaving = leaving;
    this.#announcer = new Announcer({
      introducers,
      grid,
      identity,
      logger,
      describe: async (seqnum) => {
        this.#saidLeaving = leaving.now;
        return buildStorageAnnouncement({
          identity,
          nickname,
          seqnum,
          locations,
          swissnum: credential,
          version: release,
          certificates: await certificates(),
          leaving: this.#saidLeaving,
        });
      },
    });
  }

  /**
   * Begins, or ends, as the announced credential is now accepted or refused; and announces anew at once where the server
   * has begun to leave, or stays after all.
   */
  follow(accepted: boolean): void {
    if (accepted && !this.#stop) this.#stop = this.#announcer.start();
    else if (!accepted && this.#stop) {
      this.#logger.info('the anonymous account is revoked: this server no longer announces itself');
      this.#end();
    } else if (this.#saidLeaving !== this.#leaving.now) this.#announcer.again();
  }

  /** Resolves when nothing more is said. */
  async stop(): Promise<void> {
    this.#end();
    await this.#ending;
  }

  #end(): void {
    const [before, stop] = [this.#ending, this.#stop];
    this.#stop = undefined;
    if (stop) this.#ending = Promise.all([before, stop()]).then(() => undefined);
  }
}
