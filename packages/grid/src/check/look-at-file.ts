import type { Logger } from '@holdfast/common/logging';
import type { ChkVerifyCapability } from '@holdfast/lafs';
import type { ServerSet } from '../connections/server-set.js';
import type { StorageServer } from '../connections/storage-server.js';
import type { FoundShare } from '../download/found-share.js';
import type { TransferMemory } from '../memory/transfer-memory.js';
import type { Pace } from '../repair/pace.js';
import { askServers } from './ask-servers.js';
import type {
  CheckedFile,
  CheckResults,
  CorruptShare,
  FailedServer,
  UnansweredQuestion,
} from './check-results.js';
import { countFindings } from './count-findings.js';
import { type CapabilityProof, proveCapability } from './prove-capability.js';
import type { HowToRead } from './share-description.js';
import { agreeOnFile } from './shares-agreement.js';
import { locate, SortedShares } from './sorted-shares.js';
import type { TakenWhole } from './taken-whole.js';
import { verifyShares } from './verify-shares.js';

/** What looking at a file needs. */
export interface LookOptions {
  readonly servers: Pick<ServerSet, 'connectedFor' | 'orderFor' | 'statuses'>;
  readonly memory: TransferMemory;
  readonly logger: Logger;
  /** Wraps every server that is asked. */
  readonly through: (server: StorageServer) => StorageServer;
  /** Whether to read every byte of every share. */
  readonly verify: boolean;
  /** Whether to renew our leases on the good shares. */
  readonly addLease: boolean;
  readonly keep: TakenWhole;
  /** Shares that are known to be wrong. They are not looked at again. */
  readonly knownCorrupt: readonly CorruptShare[];
  /** Whether to read of one share that it is of the file that a capability names. */
  readonly prove: boolean;
  readonly pace: Pace;
  readonly signal: AbortSignal | undefined;
}

/** A file as it is found. */
export interface Look {
  readonly results: CheckResults;
  /** The servers that answered, in the file's order of preference. */
  readonly servers: readonly StorageServer[];
  /** The good shares, on leaving servers too; small ones with their data. */
  readonly good: readonly FoundShare[];
}

/** A look that holds no share's data any more. */
export function withoutData(look: Look): Look {
  return { ...look, good: look.good.map(({ shareNumber, server }) => ({ shareNumber, server })) };
}

/**
 * Asks all connected servers for a file's shares, and tells those whose shares are wrong.
 *
 * @throws OverloadedError, NotEnoughMemoryError, or the signal's reason
 */
export async function lookAtFile(file: CheckedFile, options: LookOptions): Promise<Look> {
  const { keep, verify, signal, memory, pace } = options;
  const { storageIndex } = file;
  const servers = options.servers.connectedFor(storageIndex).map(options.through);
  const answers = await askServers(servers, storageIndex, {
    keep,
    memory: memory.opening,
    pace,
    signal,
  });
  const shares = new SortedShares(answers.found, { ...options, storageIndex });
  const capability = await fileOf(file, shares, { signal, pace });
  const proof = await proofOf(file, shares, options);
  if (capability && !proof.wrongCapability) {
    const { total } = capability;
    const beyond = shares.good.filter(({ shareNumber }) => shareNumber >= total);
    shares.setAside({ wrong: new Map(beyond.map((share) => [share, `the file has only ${total} shares`])) });
    // What came with the answers is in memory: looking at it costs next to nothing.
    const toVerify = verify ? shares.good : shares.good.filter(({ data }) => data);
    shares.setAside(await verifyShares(toVerify, capability, { memory, signal, pace }));
  }
  const good = proof.wrongCapability ? [] : shares.good;
  if (options.addLease) await renewLeases(good, storageIndex, options);
  const results = countFindings({
    storageIndex,
    capability,
    authenticated: file.kind !== 'storage-index',
    proven: proof.proven,
    wrongCapability: proof.wrongCapability,
    verified: verify && !proof.wrongCapability,
    ...(proof.wrongCapability ? { defect: wrongCapability } : {}),
    goodShares: good.filter(({ server }) => !server.leaving).map(locate),
    leavingShares: good.filter(({ server }) => server.leaving).map(locate),
    corruptShares: shares.corrupt,
    serversResponding: answers.responding.map(({ id }) => id),
    serversFailed: inPlace(options.servers, storageIndex, [
      ...answers.failed,
      ...shares.notGiven,
      ...notConnected(options.servers, servers),
    ]),
  });
  return { results, servers: answers.responding, good };
}

/** Renews our leases on all servers that hold good shares. One that does not do it is logged, as nothing else depends on it. */
async function renewLeases(
  shares: readonly FoundShare[],
  storageIndex: Uint8Array,
  { logger, signal }: Pick<LookOptions, 'logger' | 'signal'>,
): Promise<void> {
  const renewals = [...new Set(shares.map(({ server }) => server))].map((server) =>
    server.renewLease(storageIndex).catch((error: Error) => {
      logger.warn({ error: error.message }, 'a lease was not renewed');
    }),
  );
  await Promise.all(renewals);
  signal?.throwIfAborted();
}

const wrongCapability =
  'the shares agree with each other, and not with the capability: it is wrong, or they are of another file';

/** Whether a capability that was given is that of the shares. Those that are not of its file are set aside. */
async function proofOf(
  file: CheckedFile,
  shares: SortedShares,
  { prove, signal, pace }: Pick<LookOptions, 'prove' | 'signal' | 'pace'>,
): Promise<Pick<CapabilityProof, 'proven' | 'wrongCapability'>> {
  if (!prove || file.kind === 'storage-index') return { proven: false, wrongCapability: false };
  const proof = await proveCapability(file, shares.good, { signal, pace });
  shares.setAside(proof);
  return proof;
}

/** What the file is: as was said, or as its shares agree. Shares that do not agree are set aside. */
async function fileOf(
  file: CheckedFile,
  shares: SortedShares,
  how: HowToRead,
): Promise<ChkVerifyCapability | undefined> {
  if (file.kind !== 'storage-index') return file;
  const agreement = await agreeOnFile(shares.good, file.storageIndex, how);
  shares.setAside(agreement);
  return agreement.capability;
}

/** With the place that each has in the file's order of preference. */
function inPlace(
  set: Pick<ServerSet, 'orderFor'>,
  storageIndex: Uint8Array,
  failures: readonly UnansweredQuestion[],
): FailedServer[] {
  if (failures.length === 0) return [];
  const places = new Map(set.orderFor(storageIndex).map((id, place) => [id, place]));
  return failures.map((failure) => ({ ...failure, place: places.get(failure.serverId) ?? places.size }));
}

/** The servers that are known and could not be asked. */
function notConnected(
  set: Pick<ServerSet, 'statuses'>,
  asked: readonly StorageServer[],
): UnansweredQuestion[] {
  const ids = new Set(asked.map(({ id }) => id));
  return set
    .statuses()
    .filter(({ id }) => !ids.has(id))
    .map(({ id, lastError }) => ({ serverId: id, error: lastError ?? 'not connected yet' }));
}
