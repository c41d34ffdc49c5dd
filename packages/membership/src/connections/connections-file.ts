import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ConfigurationError,
  parseYamlConfiguration,
  readConfigurationText,
} from '@holdfast/common/configuration';
import { type Logger, redact } from '@holdfast/common/logging';
import type * as z from 'zod';
import { accessFilesMark, isAccessFile } from './access-files.js';
import { type ConnectionsConfiguration, connectionsConfiguration } from './connections-configuration.js';
import { FolderWatch } from './folder-watch.js';

/** Why the file as it is now is not in force. */
export interface RefusedEdit {
  /** 1 for the first; undefined where the reason belongs to no line. */
  readonly line: number | undefined;
  /** What is wrong and what was expected, without a credential. */
  readonly reason: string;
  readonly since: Date;
}

/** What is on the disk, at one look. */
interface Found {
  /** The text of the file, or why there is none. */
  readonly text: string | Error;
  /** Of the files of `private/` that introducers are reached with. */
  readonly mark: string;
}

/**
 * `connections.yaml`, the files of `private/` that introducers are reached with, and what is in force of them: the newest
 * content that was right.
 */
export class ConnectionsFile {
  readonly #path: string;
  readonly #schema: z.ZodType<ConnectionsConfiguration>;
  readonly #settledAfter: number;
  readonly #logger: Logger;
  #current: ConnectionsConfiguration;
  #refused: RefusedEdit | undefined;
  /** Whether what was refused is right in itself: files that it needs may yet be mended. */
  #couldBeTaken = false;
  /** As it was looked at last. */
  #found: Found;
  #watch: FolderWatch | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;

  private constructor(
    path: string,
    schema: z.ZodType<ConnectionsConfiguration>,
    settledAfter: number,
    first: { readonly found: Found; readonly current: ConnectionsConfiguration },
    logger: Logger,
  ) {
    this.#path = path;
    this.#schema = schema;
    this.#settledAfter = settledAfter;
    this.#found = first.found;
    this.#current = first.current;
    this.#logger = logger;
  }

  /**
   * Reads the file for the first time, when a broken one is an error.
   *
   * @param schema what it must hold
   * @param settledAfter while it is being written it is left alone, until it has stayed the same for so long, in
   *   milliseconds
   * @throws ConfigurationError
   */
  static async open(
    path: string,
    logger: Logger,
    schema: z.ZodType<ConnectionsConfiguration> = connectionsConfiguration,
    settledAfter = 150,
  ): Promise<ConnectionsFile> {
    const found = await look(path);
    const current = parse(path, found.text, schema);
    return new ConnectionsFile(path, schema, settledAfter, { found, current }, logger);
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
   * Follows the file, and the files of `private/`: `take` is called with each new content that is right, and with that in
   * force where introducers are to be reached with something new; one at a time.
   *
   * @param take where it rejects the content is refused with that reason
   * @returns what ends it
   */
  follow(take: (connections: ConnectionsConfiguration) => Promise<void>): () => Promise<void> {
    const lookAgain = () => this.#lookSoon(take);
    const name = basename(this.#path);
    const folders = new Map([
      [dirname(this.#path), (changed: string) => changed === name],
      [accessFolder(this.#path), isAccessFile],
    ]);
    this.#watch = new FolderWatch({ folders, look: lookAgain, logger: this.#logger });
    // What was written between the first look and the watch.
    lookAgain();
    return async () => {
      this.#closed = true;
      this.#watch?.close();
      await this.#looking;
    };
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
      const [before, found] = [this.#found, await this.#settled()];
      if (isSame(found, before) || this.#closed) continue;
      this.#found = found;
      const isNew = !isSameText(found, before) || this.#couldBeTaken;
      const isTaken = isNew && (await this.#takeText(found.text, take));
      if (!isTaken && found.mark !== before.mark) await this.#takeAccess(take);
    }
  }

  /** Resolves to whether it is in force now. */
  async #takeText(
    text: string | Error,
    take: (connections: ConnectionsConfiguration) => Promise<void>,
  ): Promise<boolean> {
    this.#couldBeTaken = false;
    try {
      const connections = parse(this.#path, text, this.#schema);
      this.#couldBeTaken = true;
      await take(connections);
      this.#couldBeTaken = false;
      this.#current = connections;
      this.#refused = undefined;
      this.#logger.info('connections.yaml was changed; its new content is in force');
      return true;
    } catch (error) {
      this.#refuse(error as Error);
      return false;
    }
  }

  async #takeAccess(take: (connections: ConnectionsConfiguration) => Promise<void>): Promise<void> {
    try {
      await take(this.#current);
      this.#logger.info('what introducers are reached with was changed in private/; it is in force');
    } catch (error) {
      this.#logger.warn(
        { reason: redact((error as Error).message) },
        'what introducers are reached with was changed in private/ and cannot be used',
      );
    }
  }

  /** What is there once nobody writes any more: an editor may empty the file before it writes. */
  async #settled(): Promise<Found> {
    let before: Found | undefined;
    for (;;) {
      const found = await look(this.#path);
      // Most looks find nothing new.
      if (this.#closed || isSame(found, before ?? this.#found)) return found;
      before = found;
      await delay(this.#settledAfter);
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

const accessFolder = (path: string) => join(dirname(path), 'private');

async function look(path: string): Promise<Found> {
  const text = await readConfigurationText(path).catch((error: Error) => error);
  return { text, mark: await accessFilesMark(accessFolder(path)) };
}

function parse(
  path: string,
  text: string | Error,
  schema: z.ZodType<ConnectionsConfiguration>,
): ConnectionsConfiguration {
  if (text instanceof Error) throw text;
  return parseYamlConfiguration(path, text, schema);
}

function isSame(one: Found, other: Found): boolean {
  return one.mark === other.mark && isSameText(one, other);
}

function isSameText({ text: one }: Found, { text: other }: Found): boolean {
  return String(one) === String(other);
}
