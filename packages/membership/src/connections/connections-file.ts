import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ConfigurationError,
  parseYamlConfiguration,
  readYamlConfiguration,
} from '@holdfast/common/configuration';
import { type Logger, redact } from '@holdfast/common/logging';
import type { z } from 'zod';
import { type ConnectionsConfiguration, connectionsConfiguration } from './connections-configuration.js';

/** Why the file as it is now is not in force. */
export interface RefusedEdit {
  /** 1 for the first; undefined where the reason belongs to no line. */
  readonly line: number | undefined;
  /** What is wrong and what was expected, without a credential. */
  readonly reason: string;
  readonly since: Date;
}

/** A file that is being written is left alone until it has stayed the same for so long, in milliseconds. */
const settledAfter = 150;
/** File systems that tell of no change are looked at this often. */
const lookEvery = 15_000;

/**
 * `connections.yaml` and what is in force of it: its newest content that was right. The folder is watched and not the
 * file, since editors put a new file in its place, and a mounted volume a new link.
 */
export class ConnectionsFile {
  readonly #path: string;
  readonly #schema: z.ZodType<ConnectionsConfiguration>;
  readonly #logger: Logger;
  #current: ConnectionsConfiguration;
  #refused: RefusedEdit | undefined;
  /** As it was looked at last; undefined where there was none. */
  #text: string | undefined;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;

  private constructor(
    path: string,
    schema: z.ZodType<ConnectionsConfiguration>,
    first: { readonly text: string; readonly current: ConnectionsConfiguration },
    logger: Logger,
  ) {
    this.#path = path;
    this.#schema = schema;
    this.#text = first.text;
    this.#current = first.current;
    this.#logger = logger;
  }

  /**
   * Reads the file for the first time, when a broken one is an error.
   *
   * @param schema what it must hold
   * @throws ConfigurationError
   */
  static async open(
    path: string,
    logger: Logger,
    schema: z.ZodType<ConnectionsConfiguration> = connectionsConfiguration,
  ): Promise<ConnectionsFile> {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    // Read by the other where it cannot be read, for its error.
    const current =
      text === undefined
        ? await readYamlConfiguration(path, schema)
        : parseYamlConfiguration(path, text, schema);
    return new ConnectionsFile(path, schema, { text: text ?? '', current }, logger);
  }

  /** What is in force. */
  get current(): ConnectionsConfiguration {
    return this.#current;
  }

  /** Why the file's present content is not what is in force; undefined where it is. */
  get refused(): RefusedEdit | undefined {
    return this.#refused;
  }

  /**
   * Follows the file: `take` is called with each new content that is right, one at a time.
   *
   * @param take where it rejects the content is refused with that reason
   * @returns what ends it
   */
  follow(take: (connections: ConnectionsConfiguration) => Promise<void>): () => Promise<void> {
    const look = () => this.#lookSoon(take);
    this.#watch(look);
    this.#timer = setInterval(look, lookEvery).unref();
    // What was written between the first look and the watch.
    look();
    return async () => {
      this.#closed = true;
      this.#watcher?.close();
      clearInterval(this.#timer);
      await this.#looking;
    };
  }

  #watch(look: () => void): void {
    const name = basename(this.#path);
    try {
      this.#watcher = watch(dirname(this.#path), (_event, changed) => {
        // `..data` is the link by which Kubernetes changes all files of a mounted folder at once.
        if (changed === null || changed === name || changed === '..data') look();
      });
      this.#watcher.on('error', (error) => this.#cannotWatch(error));
    } catch (error) {
      this.#cannotWatch(error as Error);
    }
  }

  #cannotWatch({ message }: Error): void {
    this.#logger.warn(
      { error: message, everySeconds: lookEvery / 1000 },
      'changes of connections.yaml are not told here; looking for them every so often',
    );
  }

  #lookSoon(take: (connections: ConnectionsConfiguration) => Promise<void>): void {
    this.#again = true;
    this.#looking ??= this.#look(take).finally(() => {
      this.#looking = undefined;
    });
  }

  async #look(take: (connections: ConnectionsConfiguration) => Promise<void>): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      const text = await this.#settled();
      if (text === this.#text || this.#closed) continue;
      this.#text = text;
      try {
        const connections =
          text === undefined
            ? await readYamlConfiguration(this.#path, this.#schema)
            : parseYamlConfiguration(this.#path, text, this.#schema);
        await take(connections);
        this.#current = connections;
        this.#refused = undefined;
        this.#logger.info('connections.yaml was changed; its new content is in force');
      } catch (error) {
        this.#refuse(error as Error);
      }
    }
  }

  /** The content once nobody writes it any more: an editor may empty the file before it writes. */
  async #settled(): Promise<string | undefined> {
    let before: string | undefined;
    for (let first = true; ; first = false) {
      const text = await readFile(this.#path, 'utf8').catch(() => undefined);
      if (this.#closed || (!first && text === before)) return text;
      // Most looks find nothing new.
      if (first && text === this.#text) return text;
      before = text;
      await delay(settledAfter);
    }
  }

  #refuse(error: Error): void {
    const known = error instanceof ConfigurationError;
    const line = known ? error.line : undefined;
    const what = known ? [error.field, error.expected].filter(Boolean).join(': ') : error.message;
    this.#refused = { line, reason: redact(what), since: new Date() };
    this.#logger.warn(
      { line, reason: this.#refused.reason },
      'connections.yaml was changed and is wrong; what was in force before stays in force',
    );
  }
}
