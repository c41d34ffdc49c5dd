import { type FSWatcher, watch } from 'node:fs';
import type { Logger } from '@holdfast/common/logging';

/** File systems that tell of no change are looked at this often. */
const lookEvery = 15_000;

/** What is watched, and who looks. */
export interface FolderWatchOptions {
  /** By folder, which of its files matter. */
  readonly folders: ReadonlyMap<string, (name: string) => boolean>;
  /** Called when one may have changed, and every so often. */
  readonly look: () => void;
  readonly logger: Logger;
}

/**
 * Watches for changed files. Folders are watched and not files, since editors put a new file in the place of an old one,
 * and a mounted volume a new link.
 */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  readonly #watchers: FSWatcher[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
    for (const [folder, matters] of options.folders) this.#watch(folder, matters);
    this.#timer = setInterval(options.look, lookEvery).unref();
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    clearInterval(this.#timer);
  }

  #watch(folder: string, matters: (name: string) => boolean): void {
    try {
      const watcher = watch(folder, (_event, changed) => {
        // `..data` is the link by which Kubernetes changes all files of a mounted folder at once.
        if (changed === null || changed === '..data' || matters(changed)) this.#options.look();
      });
      watcher.on('error', (error) => this.#cannotWatch(folder, error));
      this.#watchers.push(watcher);
    } catch (error) {
      this.#cannotWatch(folder, error as Error);
    }
  }

  #cannotWatch(folder: string, { message }: Error): void {
    this.#options.logger.warn(
      { error: message, folder, everySeconds: lookEvery / 1000 },
      'changes of this folder are not told here; looking for them every so often',
    );
  }
}
