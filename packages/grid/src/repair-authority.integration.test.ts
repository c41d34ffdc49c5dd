import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { Lab, waitFor } from '@holdfast/lab';
import {
  type ChkReadCapability,
  deriveLeaseSecrets,
  matchRoute,
  parseCapability,
  parseFurl,
  secretsHeader,
  storageIndexOf,
  verifyCapabilityOf,
} from '@holdfast/lafs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { localCoding } from './coding/local-coding.js';
import { ServerSet } from './connections/server-set.js';
import { FileCare } from './file-care.js';
import { TransferMemory } from './memory/transfer-memory.js';
import { countConnected, type LabClient, openLabClient } from './testing/lab-client.js';
import { startRecordingRelay } from './testing/recording-relay.js';
import type { RecordingServer } from './testing/recording-server.js';
import { type ShareFile, shareFiles } from './testing/share-files.js';
import { flipBlock } from './testing/stored-shares.js';

// What a repairer asks of storage servers, all of it, as real servers see it.

const encoding = { required: 2, happy: 4, total: 8, maximumSegmentSize: 32 * 1024 };
const leaseSecret = randomBytes(32);

describe('whoever repairs a file with the right to check it', () => {
  let lab: Lab;
  let owner: LabClient;
  let recorders: readonly RecordingServer[];
  let servers: ServerSet;
  let repairer: FileCare;
  beforeAll(async () => {
    lab = await Lab.up({ storage: 4, brokers: 0 });
    owner = await openLabClient(lab, { encoding });
    recorders = await Promise.all(lab.description.storage.map(startRecordingRelay));
    servers = new ServerSet({ leaseSecret, logger: silentLogger(), registry: createRegistry({}) });
    for (const { known } of recorders) servers.set(known);
    await waitFor('all are connected', () => countConnected(servers) === 4 || undefined);
    const memory = new TransferMemory(64 * 2 ** 20);
    repairer = new FileCare({ servers, memory, coding: localCoding, logger: silentLogger() });
  });
  afterAll(async () => {
    await servers?.close();
    for (const recorder of recorders ?? []) await recorder[Symbol.asyncDispose]();
    await owner?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    for (const recorder of recorders) recorder.forget();
  });

  /** A file of which one server has lost its shares, and another has one that is wrong. */
  async function damaged(size: number): Promise<ChkReadCapability> {
    const text = await owner.store(randomBytes(size));
    const shares = await shareFiles(lab, text);
    for (const { path } of shares.filter(({ server }) => server === 's1')) await rm(path);
    const wrong = shares.find(({ server }) => server === 's2') as ShareFile;
    await flipBlock(wrong);
    return parseCapability(text) as ChkReadCapability;
  }

  const requests = () =>
    recorders.flatMap(({ known, requests }) => requests.map((request) => ({ ...request, known })));

  it.each([
    ['small', 10_000],
    ['large', 400_000],
  ])(
    'only reads a %s file, stores immutable shares, and shows no secrets but its own',
    async (_name, size) => {
      const capability = await damaged(size);
      const storageIndex = storageIndexOf(capability);
      const repaired = await repairer.repair(verifyCapabilityOf(capability), {
        verify: true,
        addLease: true,
      });
      expect(repaired).toMatchObject({ attempted: true, before: { corruptShares: [{}] } });
      expect(repaired.sharesPlaced.length).toBeGreaterThan(0);
      const again = { kind: 'storage-index', storageIndex } as const;
      await repairer.repair(again, { verify: true });

      const asked = requests().map(({ method, path, headers, known }) => {
        const named = headers.filter(([name]) => name.toLowerCase() === secretsHeader.toLowerCase());
        const secrets = new Map(named.map(([, value]) => value.split(' ') as [kind: string, secret: string]));
        return { route: matchRoute(method, path).name, secrets, known };
      });
      const routes = new Set(asked.map(({ route }) => route));
      expect([...routes].filter((route) => !allowed.has(String(route)))).toEqual([]);
      expect(routes).toContain(size > 100_000 ? 'writeShare' : 'storeWholeShares');

      for (const { secrets, known } of asked) {
        const { tubId } = parseFurl(known.furl ?? '');
        const { renew, cancel } = deriveLeaseSecrets(leaseSecret, storageIndex, tubId);
        const own = new Map([
          ['lease-renew-secret', base64(renew)],
          ['lease-cancel-secret', base64(cancel)],
        ]);
        // An upload's secret is made for that upload, at that server.
        for (const [kind, secret] of secrets)
          if (kind !== 'upload-secret') expect([kind, secret]).toEqual([kind, own.get(kind)]);
      }
      expect(asked.some(({ secrets }) => secrets.has('lease-renew-secret'))).toBe(true);
    },
  );
});

/** What takes no more than the right to check a file: reads, new immutable shares, leases of one's own, reports. */
const allowed = new Set([
  'version',
  'listShares',
  'findShares',
  'readShare',
  'readWholeShares',
  'allocateShares',
  'writeShare',
  'storeWholeShares',
  'abortUpload',
  'renewLease',
  'reportCorruption',
]);

const base64 = (secret: Uint8Array) => Buffer.from(secret).toString('base64');
