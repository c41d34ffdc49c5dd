import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadIdentity } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { type Lab, temporaryFolder, waitFor } from '@holdfast/lab';
import { formatFurl, formatNurl, parseCapability, parseNurl } from '@holdfast/lafs';
import type { Coding } from '../coding/coding.js';
import { CodingThread } from '../coding/coding-thread.js';
import type { KnownServer } from '../connections/known-server.js';
import { ServerSet } from '../connections/server-set.js';
import { Grid } from '../grid.js';
import { TransferMemory } from '../memory/transfer-memory.js';
import type { EncodingParameters } from '../upload/upload-file.js';
import { openRelay, type Relay } from './relay.js';

/** A client of a lab's storage servers, in the test's own process. */
export interface LabClient extends AsyncDisposable {
  readonly grid: Grid;
  readonly servers: ServerSet;
  /** A grid over the same servers that encodes in another way. */
  gridWith(encoding: EncodingParameters, coding?: Coding): Grid;
  /** What its grid codes with. */
  readonly coding: Coding;
  /** The relay in front of each server, by nickname, where there are any. */
  readonly relays: ReadonlyMap<string, Relay>;
  store(content: Uint8Array): Promise<string>;
  read(capability: string, start?: number, end?: number): Promise<Buffer>;
  /** Waits until exactly so many servers are connected. */
  connected(count: number): Promise<void>;
}

/** How a client of a lab differs from a plain one. */
export interface LabClientOptions {
  readonly encoding: EncodingParameters;
  /** Whether it reaches every server through a relay that can be stopped. */
  readonly relayed?: boolean;
  readonly convergenceSecret?: Uint8Array;
  readonly memory?: TransferMemory;
}

/** Connects to the storage servers of a lab that run. */
export async function openLabClient(lab: Lab, options: LabClientOptions): Promise<LabClient> {
  const logger = silentLogger();
  const servers = new ServerSet({
    leaseSecret: randomBytes(32),
    logger,
    registry: createRegistry({}),
  });
  const relays = new Map<string, Relay>();
  const nodes = lab.description.storage;
  for (const node of nodes) {
    const { port } = parseNurl(node.nurl);
    const relay = options.relayed ? await openRelay(port) : undefined;
    if (relay) relays.set(node.nickname, relay);
    servers.set(await knownServer(node, relay?.port ?? port));
  }
  const spool = await temporaryFolder('spool');
  const thread = new CodingThread();
  const memory = options.memory ?? new TransferMemory(256 * 2 ** 20);
  const convergenceSecret = options.convergenceSecret ?? randomBytes(32);
  const gridWith = (encoding: EncodingParameters, coding: Coding = thread) =>
    new Grid({ servers, encoding, convergenceSecret, spoolDir: spool.path, memory, coding, logger });
  const grid = gridWith(options.encoding);
  const connected = (count: number) =>
    waitFor(`${count} servers are connected`, () => countConnected(servers) === count || undefined).then(
      () => undefined,
    );
  await connected(nodes.filter(({ pid }) => pid !== null).length);
  return {
    grid,
    gridWith,
    coding: thread,
    servers,
    relays,
    connected,
    store: (content) => grid.upload(once(content)),
    read: async (capability, start = 0, end = Number.POSITIVE_INFINITY) => {
      const file = await grid.open(parseCapability(capability));
      try {
        return await collect(file.read(start, end));
      } finally {
        file.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await servers.close();
      await thread.close();
      for (const relay of relays.values()) await relay[Symbol.asyncDispose]();
      await spool[Symbol.asyncDispose]();
    },
  };
}

/** A lab's storage server, as the lab describes it. */
export interface LabStorageNode {
  readonly id: string;
  readonly nickname: string;
  readonly dir: string;
  readonly nurl: string;
}

/** What an introducer would tell of a lab's storage server, reached at another port where one is given. */
export async function knownServer(
  node: LabStorageNode,
  port = parseNurl(node.nurl).port,
): Promise<KnownServer> {
  const { tls } = await loadIdentity(join(node.dir));
  const nurl = parseNurl(node.nurl);
  const { host, swissnum } = nurl;
  return {
    id: node.id,
    nickname: node.nickname,
    nurls: [formatNurl({ ...nurl, port })],
    furl: formatFurl({ tubId: tls.tubId, hints: [{ transport: 'tcp', host, port }], swissnum }),
    source: 'test',
  };
}

/** How many servers of a set are connected. */
export function countConnected(servers: ServerSet): number {
  return servers.statuses().filter(({ state }) => state === 'connected').length;
}

/** A file in one piece. */
export async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

/** All of what is read, in one piece. */
export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
