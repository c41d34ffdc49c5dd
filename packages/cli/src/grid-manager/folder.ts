import type { KeyObject } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GridManagerCertificate, gridManagerCertificate } from '@holdfast/common/grid-management';
import { generateSigningKey, parseSigningKey } from '@holdfast/common/identity';
import * as z from 'zod';

/** Why something cannot be done with a grid manager's folder. */
export type GridManagerErrorCode =
  | 'exists'
  | 'unreadable'
  | 'bad-name'
  | 'bad-key'
  | 'name-taken'
  | 'no-such-server';

/** A grid manager's folder cannot be used for what was asked. */
export class GridManagerError extends Error {
  override readonly name = 'GridManagerError';

  constructor(
    readonly code: GridManagerErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** `config.json`, as Tahoe-LAFS writes it. Fields that it does not have today are kept. */
const configSchema = z.looseObject({
  grid_manager_config_version: z.literal(0, 'expected version 0'),
  private_key: z.string(),
  storage_servers: z
    .record(z.string(), z.looseObject({ public_key: z.string().regex(/^pub-v0-[a-z2-7]{52}$/) }))
    .default({}),
});

type Config = z.infer<typeof configSchema>;

/** A certificate that a grid manager gave, and its number among those of its server. */
export interface GivenCertificate {
  readonly number: number;
  readonly certificate: GridManagerCertificate;
}

/**
 * The folder of a grid manager, in the form of Tahoe-LAFS (managed-grid.rst, "Grid Manager Data Storage"):
 * `config.json` with the private key and the servers, and each certificate given as `NAME.cert.NUMBER`.
 */
export class GridManagerFolder {
  readonly dir: string;
  readonly signingKey: KeyObject;
  readonly #config: Config;

  private constructor(dir: string, config: Config, signingKey: KeyObject) {
    this.dir = dir;
    this.#config = config;
    this.signingKey = signingKey;
  }

  /**
   * Makes a new grid manager, with a key of its own.
   *
   * @throws GridManagerError `exists`
   */
  static async create(dir: string): Promise<void> {
    try {
      await mkdir(dir, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new GridManagerError(
        'exists',
        `${dir} exists already; a grid manager is made only where there is nothing yet`,
      );
    }
    await writeConfig(dir, {
      grid_manager_config_version: 0,
      private_key: generateSigningKey(),
      storage_servers: {},
    });
  }

  /** @throws GridManagerError `unreadable` */
  static async open(dir: string): Promise<GridManagerFolder> {
    const file = join(dir, 'config.json');
    try {
      const config = configSchema.parse(JSON.parse(await readFile(file, 'utf8')));
      return new GridManagerFolder(dir, config, parseSigningKey(config.private_key));
    } catch (error) {
      throw new GridManagerError('unreadable', `${file}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** The servers that may be vouched for: their public keys, `pub-v0-…`, by name. */
  get servers(): ReadonlyMap<string, string> {
    const { storage_servers: servers } = this.#config;
    return new Map(Object.entries(servers).map(([name, { public_key }]) => [name, public_key]));
  }

  /** @throws GridManagerError `no-such-server` */
  publicKeyOf(name: string): string {
    const key = this.servers.get(name);
    if (key !== undefined) return key;
    throw new GridManagerError('no-such-server', `no storage server called ${JSON.stringify(name)}`);
  }

  /**
   * @param publicKey `pub-v0-…`
   * @throws GridManagerError `bad-name`, `name-taken`
   */
  async add(name: string, publicKey: string): Promise<void> {
    // It becomes part of a file's name.
    if (!/^[^\s./\\][^/\\\p{Cc}]{0,99}$/u.test(name))
      throw new GridManagerError(
        'bad-name',
        'expected a name of up to 100 characters, without / and no dot first',
      );
    if (this.servers.has(name))
      throw new GridManagerError(
        'name-taken',
        `there is a storage server called ${JSON.stringify(name)} already`,
      );
    this.#config.storage_servers[name] = { public_key: publicKey };
    await writeConfig(this.dir, this.#config);
  }

  /**
   * Forgets a server and the certificates given to it here; what it was given stays good until it ends.
   *
   * @throws GridManagerError `no-such-server`
   */
  async remove(name: string): Promise<void> {
    this.publicKeyOf(name);
    delete this.#config.storage_servers[name];
    await writeConfig(this.dir, this.#config);
    for (const number of await this.#numbersOf(name)) await rm(this.#fileOf(name, number));
  }

  /** Keeps a certificate beside those that a server was given before; resolves to its number. */
  async keep(name: string, certificate: GridManagerCertificate): Promise<number> {
    const number = ((await this.#numbersOf(name)).at(-1) ?? -1) + 1;
    await writeFile(this.#fileOf(name, number), formatCertificate(certificate), { mode: 0o600, flag: 'wx' });
    return number;
  }

  /**
   * What a server was given, oldest first.
   *
   * @throws GridManagerError `unreadable`
   */
  async certificatesOf(name: string): Promise<GivenCertificate[]> {
    const numbers = await this.#numbersOf(name);
    return Promise.all(
      numbers.map(async (number) => {
        const file = this.#fileOf(name, number);
        try {
          const certificate = gridManagerCertificate.parse(JSON.parse(await readFile(file, 'utf8')));
          return { number, certificate };
        } catch (error) {
          throw new GridManagerError('unreadable', `${file}: ${reasonOf(error)}`, { cause: error });
        }
      }),
    );
  }

  #fileOf(name: string, number: number): string {
    return join(this.dir, `${name}.cert.${number}`);
  }

  async #numbersOf(name: string): Promise<number[]> {
    const numbers = (await readdir(this.dir)).flatMap((file) => {
      const number = file.startsWith(`${name}.cert.`) ? file.slice(`${name}.cert.`.length) : '';
      return /^\d{1,9}$/.test(number) ? [Number(number)] : [];
    });
    return numbers.sort((a, b) => a - b);
  }
}

/** A certificate as the peer's files hold it. */
export function formatCertificate({ certificate, signature }: GridManagerCertificate): string {
  return `${JSON.stringify({ certificate, signature }, null, 4)}\n`;
}

/** Whole or not at all: the only copy of the key is in it. */
async function writeConfig(dir: string, config: Config): Promise<void> {
  const unfinished = join(dir, `config.json.new-${process.pid}`);
  const { storage_servers: servers, ...rest } = config;
  const value = Object.keys(servers).length > 0 ? { ...rest, storage_servers: servers } : rest;
  await writeFile(unfinished, `${JSON.stringify(value, null, 4)}\n`, { mode: 0o600 });
  await rename(unfinished, join(dir, 'config.json'));
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    const issue = error.issues[0];
    return `${issue?.path.join('.') || 'value'}: ${issue?.message}`;
  }
  // The message of a JSON error quotes the text, in which there is a key.
  if (error instanceof SyntaxError) return 'not JSON';
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'there is no such file' : message;
}
