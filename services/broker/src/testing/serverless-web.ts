import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { Grid, localCoding, ServerSet, TransferMemory } from '@holdfast/grid';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach } from 'vitest';
import { Repairers } from '../repairs/repairers.js';
import { buildWeb } from '../web/server.js';

/** The capability of a file that holds `hello`, which stands in it. */
export const hello = 'URI:LIT:nbswy3dp';
/** The read capability of a file of 100,000 bytes that no server has a share of. */
export const chk =
  'URI:CHK:mj3q43xtjd2p4yycw32b4t3vsm:wp6peuuy2ooshhsaaubuy7bnwp2lvhtznalb3e4noxxd5jcz4hpq:3:10:100000';
/** And its verify capability. */
export const verify = chk.replace(
  'CHK:mj3q43xtjd2p4yycw32b4t3vsm',
  'CHK-Verifier:dukxpznysz7kif24tvd7icpl7u',
);

/** Gives each test of a file a gateway of its own whose grid has no server: it stores and reads files of up to 55 bytes. */
export function serverlessWeb() {
  let gateway: ServerlessWeb;
  beforeEach(() => {
    gateway = new ServerlessWeb();
  });
  afterEach(() => gateway[Symbol.asyncDispose]());
  return {
    get web() {
      return gateway.web;
    },
    get servers() {
      return gateway.servers;
    },
    /** How often the servers were looked at. */
    get looks() {
      return gateway.looks;
    },
  };
}

class ServerlessWeb implements AsyncDisposable {
  readonly servers: ServerSet;
  readonly web: FastifyInstance;
  looks = 0;

  constructor() {
    const logger = silentLogger();
    const registry = createRegistry({});
    const servers = new ServerSet({ leaseSecret: new Uint8Array(32), logger, registry });
    const encoding = { required: 3, happy: 7, total: 10, maximumSegmentSize: 2 ** 20 };
    const convergenceSecret = new Uint8Array(32);
    const memory = new TransferMemory(128 * 2 ** 20);
    this.servers = servers;
    this.web = buildWeb({
      listen: { host: '127.0.0.1', port: 0 },
      grid: new Grid({
        servers,
        encoding,
        convergenceSecret,
        spoolDir: '/nonexistent',
        memory,
        coding: localCoding,
        logger,
      }),
      status: () => ({
        nickname: '<i>x',
        grid: 'lab',
        encoding,
        introducers: [],
        gridManagers: [],
        servers: this.#statuses(),
        refusedEdit: undefined,
      }),
      repairers: new Repairers(() => undefined, 'lab'),
      page: new Map(),
      limits: {
        upload_size: 1000,
        uploads: 4,
        downloads: 4,
        memory: memory.size,
        slowest: 1_000,
        patience: 60_000,
      },
      logger,
      registry,
    });
  }

  #statuses() {
    this.looks++;
    return this.servers.statuses().map((server) => ({ ...server, sources: [server.source] }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.web.close();
    await this.servers.close();
  }
}
