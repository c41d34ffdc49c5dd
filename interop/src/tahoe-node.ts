import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { formatNurl } from '@holdfast/lafs';
import { parse } from 'yaml';

const run = promisify(execFile);
const startDeadline = 60_000;

/** A storage server as a Tahoe client's `servers.yaml` and our `connections.yaml` describe it. */
export interface ServerAnnouncement {
  readonly nickname: string;
  readonly 'anonymous-storage-FURL': string;
  readonly 'anonymous-storage-NURLs': readonly string[];
  readonly 'permutation-seed-base32'?: string;
}

/** How a Tahoe client encodes files. */
export interface TahoeEncoding {
  readonly required: number;
  readonly happy: number;
  readonly total: number;
}

/** A running Tahoe-LAFS process. */
export class TahoeNode implements AsyncDisposable {
  private constructor(
    readonly dir: string,
    private readonly child: ChildProcess,
  ) {}

  /**
   * Makes and starts a storage server; it answers when this resolves.
   *
   * @param furnish puts into its folder what it is to find there
   */
  static async storage(
    program: string,
    dir: string,
    nickname: string,
    furnish?: (dir: string) => Promise<void>,
  ): Promise<TahoeNode> {
    const port = await freePort();
    await run(program, [
      'create-node',
      '--listen=tcp',
      `--port=tcp:${port}:interface=127.0.0.1`,
      `--location=tcp:127.0.0.1:${port}`,
      `--nickname=${nickname}`,
      dir,
    ]);
    // No web server: only its storage is used.
    await edit(dir, (text) => text.replace(/^web\.port = .*$/m, 'web.port =').replace('1G', '0'));
    await furnish?.(dir);
    const node = await TahoeNode.#start(program, dir);
    await node.#until('the storage server', async () => {
      await readFile(join(dir, 'private', 'storage.furl'));
      return accepts(port);
    });
    return node;
  }

  /** Starts a storage server that was made before; it answers when this resolves. */
  static async again(program: string, dir: string): Promise<TahoeNode> {
    const node = await TahoeNode.#start(program, dir);
    const furl = await readFile(join(dir, 'private', 'storage.furl'), 'utf8');
    await node.#until('the storage server', () => accepts(Number(/:(\d+)\//.exec(furl)?.[1])));
    return node;
  }

  /**
   * Makes and starts a client whose only servers are the given ones; its web API answers when this resolves.
   *
   * @param servers by id, or the text of a `servers.yaml`
   */
  static async client(
    program: string,
    dir: string,
    servers: Readonly<Record<string, ServerAnnouncement>> | string,
    {
      encoding,
      convergence,
      settings,
    }: {
      encoding: TahoeEncoding;
      convergence?: string;
      /** More sections for its `tahoe.cfg`. */
      settings?: string;
    },
  ): Promise<TahoeNode> {
    const serversYaml = typeof servers === 'string' ? servers : serversYamlOf(servers);
    const { storage } = parse(serversYaml) as { storage: object };
    const port = await freePort();
    await run(program, [
      'create-client',
      `--webport=tcp:${port}:interface=127.0.0.1`,
      `--shares-needed=${encoding.required}`,
      `--shares-happy=${encoding.happy}`,
      `--shares-total=${encoding.total}`,
      dir,
    ]);
    await writeFile(join(dir, 'private', 'servers.yaml'), serversYaml);
    if (convergence !== undefined) await writeFile(join(dir, 'private', 'convergence'), convergence);
    if (settings !== undefined) await edit(dir, (text) => text + settings);
    const node = await TahoeNode.#start(program, dir);
    await node.untilConnected(Object.keys(storage).length);
    return node;
  }

  /** Resolves when a client is connected to so many servers. */
  async untilConnected(servers: number): Promise<void> {
    await this.#until('the client', async () => {
      const statuses = (await this.welcome()).servers;
      const connected = statuses.filter(({ connection_status }) => /^connected/i.test(connection_status));
      return connected.length === servers;
    });
  }

  /** The web API's address, without a slash at its end. */
  async gateway(): Promise<string> {
    return (await readFile(join(this.dir, 'node.url'), 'utf8')).trim().replace(/\/$/, '');
  }

  async welcome(): Promise<{ servers: { nickname: string; connection_status: string }[] }> {
    const response = await fetch(`${await this.gateway()}/?t=json`);
    return (await response.json()) as { servers: { nickname: string; connection_status: string }[] };
  }

  /** What a storage node would announce, and the id under which it would: from the files of its folder. */
  async announcement(): Promise<[id: string, announcement: ServerAnnouncement]> {
    const read = async (name: string) => (await readFile(join(this.dir, name), 'utf8')).trim();
    const furl = await read('private/storage.furl');
    const [, host, port, swissnum] = /@tcp:([^:]+):(\d+)\/(.+)$/.exec(furl) ?? [];
    const certificate = new X509Certificate(await read('private/node.pem'));
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    const nurl = formatNurl({
      spkiHash: createHash('sha256').update(spki).digest(),
      host: host ?? '',
      port: Number(port),
      swissnum: swissnum ?? '',
    });
    const id = (await read('node.pubkey')).replace(/^pub-/, '');
    return [
      id,
      {
        nickname: /^nickname = (.*)$/m.exec(await read('tahoe.cfg'))?.[1] ?? '',
        'anonymous-storage-FURL': furl,
        'anonymous-storage-NURLs': [nurl],
        'permutation-seed-base32': await read('permutation-seed'),
      },
    ];
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  static async #start(program: string, dir: string): Promise<TahoeNode> {
    // Its standard input is a pipe of ours: without the flag to allow it, the node stops when we are gone.
    const child = spawn(program, ['run', dir], { stdio: ['pipe', 'pipe', 'pipe'] });
    const node = new TahoeNode(dir, child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        node.#output = (node.#output + text).slice(-4_000);
      });
    }
    return node;
  }

  #output = '';

  async #until(what: string, ready: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + startDeadline;
    while (Date.now() < deadline && this.child.exitCode === null) {
      if (await ready().catch(() => false)) return;
      await delay(100);
    }
    await this.stop();
    throw new Error(`${what} of Tahoe-LAFS did not come up: ${this.#output}`);
  }
}

function serversYamlOf(servers: Readonly<Record<string, ServerAnnouncement>>): string {
  return JSON.stringify({
    storage: Object.fromEntries(Object.entries(servers).map(([id, ann]) => [id, { ann }])),
  });
}

async function edit(dir: string, change: (text: string) => string): Promise<void> {
  const path = join(dir, 'tahoe.cfg');
  await writeFile(path, change(await readFile(path, 'utf8')));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
